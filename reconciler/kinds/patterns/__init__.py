"""Regular expressions of JSON Schema: read as ECMA 262 defines them, matched in linear time. Pure.

Users write the patterns of kinds, and Python's ``re`` differs from ECMA 262 in what they mean
and runs for ever on some of them. So a pattern is parsed here and run as an automaton, which reads each
character of a text once, whatever the pattern; what no automaton can match, back-references, is refused.
"""

from __future__ import annotations

from reconciler.kinds.patterns.matcher import Budget, Pattern, PatternLimitError, Patterns
from reconciler.kinds.patterns.syntax import PatternError

__all__ = ["Budget", "Pattern", "PatternError", "PatternLimitError", "Patterns"]
