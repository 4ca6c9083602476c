"""The command line of the tests of commands."""

from tests.cli.conftest import cli

__all__ = ["cli"]
