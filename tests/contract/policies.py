"""The policies of the example and of the documentation."""

from __future__ import annotations

import re
from typing import Final

from tests.contract.runner import ROOT

POLICIES: Final = ROOT / "examples/gitops-repo/policy"
FILES: Final = sorted(POLICIES.glob("*.rego"))
TEXTS: Final = {file.name: file.read_text(encoding="utf-8") for file in FILES}
JUDGES: Final = {name: text for name, text in TEXTS.items() if not name.endswith("_test.rego")}
RULES: Final = [rule for text in TEXTS.values() for rule in re.findall(r"(?m)^(test_\w+) if", text)]
PAGE: Final = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
SHOWN: Final = re.findall(r"(?ms)^```rego\n(.*?)^```", PAGE)
MEMBERS: Final = ("format_version", "timestamp", "errors", "resource_changes")
IN_A_CHANGE: Final = ("actions", "after", "effects")
