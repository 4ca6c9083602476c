"""Everything over HTTP: requests, retries, bounds, redaction; the one home of httpx.

What a caller may do is a type: a :class:`~reconciler.api.reader.Reader` can only read, a
:class:`~reconciler.api.reader.Writer` can also write. No other package sees an httpx object or exception.
"""
