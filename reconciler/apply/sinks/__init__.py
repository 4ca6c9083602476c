"""Where the secrets of new keys go: the service shows each of them once.

A :class:`~reconciler.apply.sinks.sink.SecretSink` is one such place. Files and programs are here; what is reached
by HTTP is in :mod:`reconciler.api`, the one home of httpx.
"""
