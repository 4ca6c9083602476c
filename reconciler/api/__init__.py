"""Everything over HTTP: requests, retries, bounds, redaction; the one home of httpx.

Every request goes through an :class:`~reconciler.api.exchange.HttpClient`. What a caller may do is a type: a
:class:`~reconciler.api.reader.Reader` can only read, a :class:`~reconciler.api.writer.Writer` can also write.
No other package sees an httpx object or exception.
"""
