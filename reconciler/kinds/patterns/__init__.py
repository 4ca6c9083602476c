"""Regular expressions of JSON Schema: parsed as ECMA 262 defines them, matched in linear time. Pure.

Users write the patterns of kinds, and Python's ``re`` differs from ECMA 262 in their meaning and takes
exponential time for some of them. So a pattern is parsed here and run as an automaton, which reads each
character of a text once; back-references, which no automaton can match, are refused.
"""

from __future__ import annotations

from reconciler.kinds.patterns.matcher import Budget, Pattern, PatternLimitError, Patterns
from reconciler.kinds.patterns.syntax import PatternError

__all__ = ["Budget", "Pattern", "PatternError", "PatternLimitError", "Patterns"]
