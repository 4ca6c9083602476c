"""Where the secrets of new keys go: the service shows each of them once.

A :class:`~reconciler.apply.sinks.sink.SecretSink` is one such place.
"""
