"""The version of the package, which plan files, events and requests carry."""

__version__ = "0.1.0"
