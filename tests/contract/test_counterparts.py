"""Every real counterpart has a test that needs it, and a line in the documentation."""

from __future__ import annotations

import ast

from counterparts import COUNTERPARTS, ROOT


def needed() -> set[str]:
    """Return the names in every mark of the integration tests."""
    found = set()
    for file in sorted((ROOT / "tests/integration").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.counterpart":
                found |= {str(ast.literal_eval(word)) for word in node.args}
    return found


def test_every_counterpart_has_a_test_and_every_test_a_counterpart() -> None:
    assert needed() == {each.name for each in COUNTERPARTS}


def test_every_counterpart_is_documented() -> None:
    page = (ROOT / "docs/testing.md").read_text(encoding="utf-8").partition("## Real counterparts")[2]
    shown = page.partition("\n## ")[0].lower()
    assert [each.name for each in COUNTERPARTS if each.name.lower() not in shown] == []
