"""The version of the package, for plan files, events and requests."""

from typing import Final

__version__ = "0.2.0"
USER_AGENT: Final = f"gcore-reconciler/{__version__}"
"""What every request names as its sender."""
