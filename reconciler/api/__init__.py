"""HTTP: requests, retries, bounds, redaction; the only package that imports httpx.

Every request goes through an :class:`~reconciler.api.http_client.HttpClient`. Permission is a type: a
:class:`~reconciler.api.reader.Reader` can only read, a :class:`~reconciler.api.writer.Writer` can also write.
No other package sees an httpx object or exception.
"""
