"""Declarative reconciler for cloud API keys: desired state in Git, minimal PATCH calls to the API."""

from reconciler.model.version import __version__ as __version__
