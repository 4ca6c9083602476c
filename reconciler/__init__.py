"""Declarative reconciler for cloud API keys: desired state in Git, minimal PATCH calls to the API."""

__version__ = "0.1.0"
