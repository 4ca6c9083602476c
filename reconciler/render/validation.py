"""The result of a validation, for people and for programs: one document in each format.

``schemas/validation.schema.json`` describes the JSON document, which has the structure of that of ``terraform
validate``. SARIF is that of OASIS, version 2.1.0.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler.model.escape import escape_control, neutralize_log_commands
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import at_least, counted, shortened
from reconciler.model.source import Rule
from reconciler.model.version import __version__
from reconciler.render.github import problem_commands
from reconciler.render.values import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.model.source import Position, Problem

RULES: Final[Mapping[Rule, str]] = MappingProxyType(
    {
        Rule.UNREADABLE: "A path can be read and leads to files.",
        Rule.SYNTAX: "A file is strict YAML, or JSON, in UTF-8; no member is duplicate.",
        Rule.DECLARED_TWICE: "A key is declared once, in one file.",
        Rule.MISSING: "A required member is present.",
        Rule.UNKNOWN: "A member is defined by its kind.",
        Rule.READ_ONLY: "A field that the service sets is not declared.",
        Rule.WRONG_TYPE: "A value has the type that its kind defines.",
        Rule.WRONG_VALUE: "A value is one that its kind allows.",
        Rule.SCOPE: "A document sets the scope of its keys once, such as the project.",
        Rule.UNKNOWN_KIND: "The kind of a document is known.",
        Rule.KIND: "The file of a custom kind describes a kind.",
        Rule.CONFIGURATION: "The configuration file is valid, and has no path outside its repository.",
        Rule.MORE: "A file has no more problems than are reported at once.",
        Rule.LOOKALIKE: "A name does not look like another one.",
        Rule.EXPIRY: "A key does not expire soon.",
        Rule.SPELLING: "A whole number is written in digits.",
        Rule.OTHER: "Nothing else is wrong.",
    }
)
"""What each rule requires."""
_FORMAT_VERSION: Final = "1.0"
_SARIF: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LONGEST: Final = 3000
_SEVERITIES: Final = {"error": "critical", "warning": "minor"}
"""What GitLab calls them."""


@dataclass(frozen=True, slots=True)
class Validation:
    """The findings: files without an error are valid; ``keys`` and ``scopes`` count their declarations."""

    errors: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()
    keys: int = 0
    scopes: int = 0

    @property
    def findings(self) -> Iterator[tuple[str, Problem]]:
        """Yield errors, then warnings, each with its severity."""
        for severity, problems in (("error", self.errors), ("warning", self.warnings)):
            yield from ((severity, problem) for problem in problems)


def _text(found: Validation) -> str:
    """Return the message about valid files; errors are printed beside it, as by every command."""
    if found.errors:
        return ""
    declared = f"{counted(found.keys, 'key')} in {counted(found.scopes, 'scope')}"
    return f"Success! The configuration is valid: {declared}.\n"


def _json(found: Validation) -> str:
    return _document(
        {
            "format_version": _FORMAT_VERSION,
            "reconciler_version": __version__,
            "valid": not found.errors,
            "error_count": len(found.errors),
            "warning_count": len(found.warnings),
            **({} if found.errors else {"keys": found.keys, "scopes": found.scopes}),
            "diagnostics": [_diagnostic(severity, problem) for severity, problem in found.findings],
        }
    )


def _diagnostic(severity: str, problem: Problem) -> Mapping[str, Any]:
    place = problem.position
    return {
        "severity": severity,
        "rule": problem.rule.value,
        "summary": _message(problem),
        **({"address": problem.address} if problem.address else {}),
        **({} if place is None else {"range": _range(place)}),
    }


def _range(place: Position) -> Mapping[str, Any]:
    """Return a range; that of a file itself has no start."""
    at = {"line": place.line, "column": place.column}
    return {"filename": place.source, **({"start": at, "end": at} if place.line else {})}


def _sarif(found: Validation) -> str:
    notifications = [
        {
            "level": severity,
            "message": {"text": _plain(problem)},
            "associatedRule": {"id": problem.rule.value},
        }
        for severity, problem in found.findings
        if problem.position is None
    ]
    rules = [{"id": rule.value, "shortDescription": {"text": text}} for rule, text in RULES.items()]
    results = (_result(*one, one[1].position) for one in found.findings if one[1].position is not None)
    run = {
        "tool": {"driver": {"name": "reconciler", "semanticVersion": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolConfigurationNotifications": notifications}],
        "results": [*results],
    }
    return _document({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


def _result(severity: str, problem: Problem, place: Position) -> Mapping[str, Any]:
    logical = [{"fullyQualifiedName": problem.address, "kind": "resource"}]
    region = {"region": {"startLine": place.line, "startColumn": place.column}} if place.line else {}
    return {
        "ruleId": problem.rule.value,
        "ruleIndex": list(RULES).index(problem.rule),
        "level": severity,
        "message": {"text": _plain(problem)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": _artifact(place.source), **region},
                **({"logicalLocations": logical} if problem.address else {}),
            }
        ],
    }


def _artifact(path: str) -> Mapping[str, str]:
    """Return the URI of a file, if it can be relative to the root of the repository."""
    uri = quote(posixpath.normpath(path).encode("utf-8", "surrogateescape"))
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _message(problem: Problem) -> str:
    return shortened(problem.message, _LONGEST)


def _plain(problem: Problem) -> str:
    """Return a message of SARIF, with ``](`` escaped, which would make a link of untrusted text."""
    return escape_control(_message(problem)).replace("](", "] (")


def _document(value: Any) -> str:
    return neutralize_log_commands(json.dumps(value, indent=2)) + "\n"


@joined
def _github(found: Validation) -> Iterator[str]:
    yield from problem_commands(
        {"error": ("not valid", found.errors), "warning": ("needs attention", found.warnings)}
    )
    if found.errors:
        errors, warnings = counted(len(found.errors), "error"), counted(len(found.warnings), "warning")
        yield f"The files are not valid: {at_least(found.errors)}{errors}, {warnings}."
    else:
        yield _text(found).rstrip("\n")


def _gitlab(found: Validation) -> str:
    """Return the report of GitLab's Code Quality, in which each entry has a file and a line."""
    seen = Counter[str]()
    report = []
    for severity, problem in found.findings:
        if problem.position is None:
            continue
        path = posixpath.normpath(problem.position.source)
        # Without the line, so that a finding that moves is not a new one.
        about = json.dumps([problem.rule, path, problem.address, problem.message])
        seen[about] += 1
        report.append(
            {
                "description": escape_control(_message(problem)),
                "check_name": problem.rule.value,
                "fingerprint": hashlib.sha256(f"{about} {seen[about]}".encode()).hexdigest(),
                "severity": _SEVERITIES[severity],
                "location": {"path": path, "lines": {"begin": max(1, problem.position.line)}},
            }
        )
    return _document(report)


VALIDATIONS: Final[Mapping[str, Callable[[Validation], str]]] = MappingProxyType(
    {"text": _text, "json": _json, "sarif": _sarif, "github": _github, "gitlab": _gitlab}
)
"""The formats of what was found, one renderer each."""
