"""A service that is left alone for a hundred days, on a clock that takes no time."""
