"""``reconciler validate --format``: the same findings in each format, all of them, and no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft7Validator

from reconciler.kinds.packaged import packaged_schema
from reconciler.model.phrases import MANY_MORE
from reconciler.model.source import Problem, Rule
from reconciler.render.validation import VALIDATIONS, Validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support import CommandLine

HEADER: Final = "project_id: 1\nregion_id: 76\n"
MACHINES: Final = ("json", "sarif", "github", "gitlab")
SCHEMA: Final = Draft7Validator(packaged_schema("validation"))


def closed(members: Mapping[str, Any], *required: str) -> Mapping[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [*required],
        "properties": {**members},
    }


def several(items: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "array", "items": items}


TEXT: Final = {"type": "string", "minLength": 1}
NUMBER: Final = {"type": "integer", "minimum": 1}
MESSAGE: Final = closed({"text": TEXT}, "text")
LEVEL: Final = {"enum": ["none", "note", "warning", "error"]}
PHYSICAL: Final = closed(
    {
        "artifactLocation": closed(
            {"uri": {"type": "string", "pattern": r"^[!#-;=?-Z_a-z~]+$"}, "uriBaseId": TEXT}
        ),
        "region": closed({"startLine": NUMBER, "startColumn": NUMBER}),
    },
    "artifactLocation",
)
LOCATION: Final = closed(
    {
        "physicalLocation": PHYSICAL,
        "logicalLocations": several(closed({"fullyQualifiedName": TEXT, "kind": TEXT})),
    }
)
RESULT: Final = closed(
    {
        "ruleId": TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {**several(LOCATION), "minItems": 1, "maxItems": 1},
    },
    "message",
    "locations",
)
NOTIFICATION: Final = closed(
    {"level": LEVEL, "message": MESSAGE, "associatedRule": closed({"id": TEXT})}, "message"
)
DRIVER: Final = closed(
    {
        "name": TEXT,
        "semanticVersion": TEXT,
        "rules": {**several(closed({"id": TEXT, "shortDescription": MESSAGE}, "id")), "uniqueItems": True},
    },
    "name",
)
RUN: Final = closed(
    {
        "tool": closed({"driver": DRIVER}, "driver"),
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "invocations": several(
            closed(
                {
                    "executionSuccessful": {"type": "boolean"},
                    "toolConfigurationNotifications": several(NOTIFICATION),
                },
                "executionSuccessful",
            )
        ),
        "results": several(RESULT),
    },
    "tool",
)
SARIF: Final = Draft7Validator(
    closed(
        {
            "$schema": {"type": "string", "pattern": "^https://.*sarif-schema-2\\.1\\.0\\.json$"},
            "version": {"const": "2.1.0"},
            "runs": {**several(RUN), "minItems": 1, "maxItems": 1},
        },
        "version",
        "runs",
    )
)
"""What the standard says of the members that are written, and nothing else is."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def write(keys: str, path: str = "keys.yaml") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(f"{HEADER}keys:{keys}", encoding="utf-8")
    return path


def diagnostics(cli: CommandLine, *arguments: str) -> list[dict[str, Any]]:
    document = json.loads(cli("validate", "--format", "json", *arguments).out)
    SCHEMA.validate(document)
    found: list[dict[str, Any]] = document["diagnostics"]
    counts = [sum(one["severity"] == word for one in found) for word in ("error", "warning")]
    assert [document["error_count"], document["warning_count"]] == counts
    assert document["valid"] is (counts[0] == 0)
    return found


def results(cli: CommandLine, *arguments: str) -> list[dict[str, Any]]:
    document = json.loads(cli("validate", "--format", "sarif", *arguments).out)
    SARIF.validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == [rule.value for rule in Rule]
    found: list[dict[str, Any]] = run["results"]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in found)
    return found


def region(result: Mapping[str, Any]) -> tuple[str, int, int]:
    place = result["locations"][0]["physicalLocation"]
    return (place["artifactLocation"]["uri"], place["region"]["startLine"], place["region"]["startColumn"])


@pytest.mark.parametrize("form", MACHINES)
def test_exit_code_and_messages_are_those_of_the_text(cli: CommandLine, form: str) -> None:
    write("\n  - {name: abc, descripton: x}\n", "a.yaml")
    write("\n  - {name: abc, expire: 2020-01-01T00:00:00Z}\n", "b.yaml")
    for file in "ab":
        text, other = (cli("validate", *words, f"{file}.yaml") for words in ([], ["--format", form]))
        assert (other.code, other.err) == (text.code, text.err)
        assert other.out != text.out


def test_what_is_valid_is_counted(cli: CommandLine) -> None:
    document = json.loads(cli("validate", "--format", "json", write(" [{name: abc}, {name: abd}]\n")).out)
    SCHEMA.validate(document)
    assert {**document, "reconciler_version": ""} == {
        "format_version": "1.0",
        "reconciler_version": "",
        "valid": True,
        "error_count": 0,
        "warning_count": 0,
        "keys": 2,
        "scopes": 1,
        "diagnostics": [],
    }
    assert results(cli, "keys.yaml") == []
    assert cli("validate", "--format", "github", "keys.yaml").out == (
        "Success! The configuration is valid: 2 keys in 1 scope.\n"
    )


RULES: Final = {
    "unknown-field": " [{name: abc, descripton: x}]\n",
    "wrong-type": " [{name: abc, description: 5}]\n",
    "wrong-value": " [{name: ab}]\n",
    "missing-field": " [{description: x}]\n",
    "read-only-field": " [{name: abc, status: Active}]\n",
    "declared-twice": " [{name: abc}, {name: abc}]\n",
    "syntax": " [\n",
    "wrong-scope": " []\n---\nkeys: []\n",
    "unknown-kind": " []\n---\nkind: caaas\nproject_id: 1\nregion_id: 1\nkeys: []\n",
    "near-expiry": " [{name: abc, expire: 2020-01-01T00:00:00Z}]\n",
    "lookalike-name": " [{name: shop-l}, {name: shop-1}]\n",
}


@pytest.mark.parametrize("rule", RULES)
def test_a_finding_names_its_rule_in_each_format(cli: CommandLine, rule: str) -> None:
    file = write(RULES[rule])
    assert rule in {one["rule"] for one in diagnostics(cli, file)}
    assert rule in {one["ruleId"] for one in results(cli, file)}


def test_a_count_of_what_was_found_before_the_limit_is_a_lower_bound() -> None:
    errors = [*[Problem("wrong")] * 19, Problem(MANY_MORE, rule=Rule.MORE)]
    lines = VALIDATIONS["github"](Validation(errors)).splitlines()
    assert lines[-2].startswith("::error::at least 11 of 20 errors are not shown: ")
    assert lines[-1] == "The files are not valid: at least 20 errors, 0 warnings."
    assert json.loads(VALIDATIONS["json"](Validation(errors)))["diagnostics"][-1]["rule"] == "more-problems"


def test_what_is_no_desired_state_has_rules_too(cli: CommandLine) -> None:
    assert [one["rule"] for one in diagnostics(cli, "gone.yaml")] == ["unreadable-input"]
    write(" []\n")
    Path("reconciler.yaml").write_text("pathz: [keys.yaml]\n", encoding="utf-8")
    assert {one["rule"] for one in diagnostics(cli, "keys.yaml")} == {"wrong-configuration"}
    Path("reconciler.yaml").unlink()
    Path("kinds").mkdir()
    Path("kinds/bad.schema.json").write_text("{}", encoding="utf-8")
    assert {one["rule"] for one in diagnostics(cli, "keys.yaml")} == {"wrong-kind-file"}


def test_what_is_wrong_with_a_whole_file_has_no_line(cli: CommandLine) -> None:
    """GitLab wants one all the same: the first."""
    Path("nothing").mkdir()
    Path("empty.yaml").touch()
    named = ("empty.yaml", "gone.yaml", "nothing")
    assert [one["range"] for one in diagnostics(cli, *named)] == [{"filename": name} for name in named]
    places = [one["locations"][0]["physicalLocation"] for one in results(cli, *named)]
    assert [(one["artifactLocation"]["uri"], "region" in one) for one in places] == [
        (name, False) for name in named
    ]
    assert [one["location"] for one in quality(cli, *named)] == [
        {"path": name, "lines": {"begin": 1}} for name in named
    ]
    lines = cli("validate", *named, "--format", "github").out.splitlines()
    assert [line.partition(",title")[0] for line in lines[:3]] == [f"::error file={name}" for name in named]
    assert [line.split(": ")[1] for line in cli("validate", *named).messages] == [*named]


def test_every_rule_is_in_the_schema() -> None:
    known = packaged_schema("validation")["definitions"]["diagnostic"]["properties"]["rule"]["enum"]
    assert known == [rule.value for rule in Rule]


def quality(cli: CommandLine, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cli("validate", "--format", "gitlab", *arguments).out)
    assert len({one["fingerprint"] for one in found}) == len(found)
    assert {one["severity"] for one in found} <= {"info", "minor", "major", "critical", "blocker"}
    return found


def test_a_merge_request_is_given_each_finding_once_wherever_it_moves(cli: CommandLine) -> None:
    write("\n  - {name: abc, x: 1}\n  - {name: abd, x: 1}\n")
    first = quality(cli, "./keys.yaml")
    assert [one["location"] for one in first] == [
        {"path": "keys.yaml", "lines": {"begin": 4}},
        {"path": "keys.yaml", "lines": {"begin": 5}},
    ]
    assert [one["check_name"] for one in first] == ["unknown-field"] * 2
    write("\n  - {name: aaa}\n  - {name: abc, x: 1}\n  - {name: abd, x: 1}\n  - {name: abd, x: 1}\n")
    moved = quality(cli, "keys.yaml")
    assert {one["fingerprint"] for one in first} < {one["fingerprint"] for one in moved}
    assert quality(cli, "") == []
    assert quality(cli, write(" []\n")) == []


def test_json_and_sarif_hold_all_where_the_text_counts(cli: CommandLine) -> None:
    file = write("".join(f"\n  - {{name: n{number:03}, x: 1}}" for number in range(300)) + "\n")
    assert "and 250 more problems" in cli("validate", file).err
    assert [len(show(cli, file)) for show in (diagnostics, results, quality)] == [300, 300, 300]
    lines = cli("validate", "--format", "github", file).out.splitlines()
    assert len(lines) == 11
    assert lines[9:] == [
        (
            "::error::291 of 300 errors are not shown: GitHub shows 10 from a step. "
            "The log of the step shows more."
        ),
        "The files are not valid: 300 errors, 0 warnings.",
    ]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/%41.yaml", "a%20b/%2541.yaml"),
        ("./keys/x:y.yaml", "keys/x%3Ay.yaml"),
        ("k\u00e9/\U0001f511.yaml", "k%C3%A9/%F0%9F%94%91.yaml"),
    ],
)
def test_a_place_is_that_of_the_file_whatever_it_is_called(cli: CommandLine, path: str, uri: str) -> None:
    file = write("\n  - {name: '\U0001f511', description: 5}\n", path)
    assert (uri, 4, 30) in map(region, results(cli, file))
    places = [one["range"] for one in diagnostics(cli, file)]
    place = {"line": 4, "column": 30}
    assert {"filename": path, "start": place, "end": place} in places


def test_a_file_elsewhere_has_an_absolute_address(cli: CommandLine, tmp_path: Path) -> None:
    (result,) = results(cli, str(tmp_path / write(" [{name: ab}]\n")))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": f"file://{tmp_path}/keys.yaml"
    }


def test_what_has_no_place_is_a_notification(cli: CommandLine) -> None:
    document = json.loads(cli("validate", "--format", "sarif", "").out)
    SARIF.validate(document)
    (run,) = document["runs"]
    (notification,) = run["invocations"][0]["toolConfigurationNotifications"]
    assert (run["results"], notification["associatedRule"]["id"]) == ([], "unreadable-input")
    assert diagnostics(cli, "") == [
        {"severity": "error", "rule": "unreadable-input", "summary": notification["message"]["text"]}
    ]


@pytest.mark.parametrize(
    "text", ["x%0A::error::y", "a,b:c", "[x](https://example.org)", "\u202e", "##[error]z"]
)
def test_what_a_file_holds_is_no_command_and_no_link(cli: CommandLine, text: str) -> None:
    file = write(f"\n  - {{name: abc, {json.dumps(text)}: 1}}\n", "a,b:c%41.yaml")
    (line, _) = cli("validate", "--format", "github", file).out.splitlines()
    assert line.startswith("::error file=a%2Cb%3Ac%2541.yaml,line=4,col=17,title=not valid::caas/1/76/abc: ")
    assert line.count("%0A") == 0
    (result,) = results(cli, file)
    assert "](" not in result["message"]["text"]
    assert result["message"]["text"].isprintable()
    assert "##[" not in cli("validate", "--format", "json", file).out


def secrets(cli: CommandLine, form: str, keys: str) -> Iterator[str]:
    done = cli("validate", "--format", form, write(keys))
    yield from (done.out, done.err)


@pytest.mark.parametrize("form", ["text", *MACHINES])
def test_no_format_shows_a_secret_of_the_run(cli: CommandLine, form: str) -> None:
    secret = "pasted-0123456789abcdef"
    cli.environment.setenv("GCORE_API_KEY", secret)
    wrong = f"\n  - {{name: abc, {secret}: 1}}\n"
    doubtful = f"\n  - {{name: {secret}, expire: 2020-01-01T00:00:00Z}}\n"
    for keys in (wrong, doubtful):
        found = [*secrets(cli, form, keys)]
        assert not any("pasted" in text for text in found)
        assert any("***" in text for text in found)
