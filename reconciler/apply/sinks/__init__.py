"""Destinations for the secrets of new keys, each of which the service shows once.

A :class:`~reconciler.apply.sinks.sink.SecretSink` is one destination.
"""
