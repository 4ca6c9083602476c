"""Regular expressions that are compiled when they are first used do what compiled ones do."""

from __future__ import annotations

import re

from reconciler.model.expressions import expression


def test_an_expression_does_what_the_compiled_one_does() -> None:
    ours, compiled = expression("(a+)|b", re.IGNORECASE), re.compile("(a+)|b", re.IGNORECASE)
    for _ in range(2):
        assert ours.sub("-", "xAAyb") == compiled.sub("-", "xAAyb")
        assert ours.findall("aAb") == compiled.findall("aAb")
        assert [one.span() for one in ours.finditer("xab")] == [
            one.span() for one in compiled.finditer("xab")
        ]
        assert (ours.pattern, ours.flags, ours.groups) == (compiled.pattern, compiled.flags, compiled.groups)
    assert expression(b"[0-9]+").fullmatch(b"12") is not None
