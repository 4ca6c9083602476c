"""A custom kind works in every command, and needs no line of code."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.kinds.packaged import load_kinds, resource
from tests.kinds.test_rules import PLAIN, changed
from tests.labels import label, label_server
from tests.support import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.labels import LabelServer
    from tests.support import CommandLine

EXAMPLES = resource("examples")
KINDS = ("--kinds", str(EXAMPLES / "kinds"))
FILES = str(EXAMPLES / "labels")
CONNECTED = (*KINDS, "--auth-scheme", "Bearer")


@pytest.fixture
def github(cli: CommandLine) -> Iterator[LabelServer]:
    """A repository whose labels differ from the example in one."""
    labels = [
        label("kind/bug"),
        label("good first issue", color="7057ff", description="Good for newcomers"),
        label("1.0"),
        label("wontfix"),
    ]
    with label_server(site=labels) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        yield server


def test_the_example_is_valid(cli: CommandLine) -> None:
    assert cli("validate", FILES, *KINDS).out == "Success! The configuration is valid: 3 keys in 1 scope.\n"


def test_a_plan_names_the_parameters_of_the_scope(cli: CommandLine, github: LabelServer) -> None:
    done = cli("plan", FILES, *CONNECTED)
    assert (done.code, done.err) == (0, "")
    assert "# label/acme/site/kind/bug will be updated in-place" in done.out
    assert '~ color = "ededed" -> "d73a4a"' in done.out
    assert "Unmanaged: 1 key live but not declared" in done.out
    assert github.requests == [("GET", "/repos/acme/site/labels?per_page=100&page=1", None)]


def test_apply_sends_differing_fields_to_the_encoded_path_and_converges(
    cli: CommandLine, github: LabelServer
) -> None:
    assert cli("apply", FILES, *CONNECTED, "--auto-approve").code == 0
    sent = {"color": "d73a4a", "description": "Something isn't working"}
    assert github.writes == [("/repos/acme/site/labels/kind%2Fbug", sent)]
    again = cli("plan", FILES, *CONNECTED, "--detailed-exitcode")
    assert (again.code, "No changes." in again.out) == (0, True)


def test_a_saved_plan_is_shown_and_applied_with_the_same_kinds(
    cli: CommandLine, github: LabelServer, tmp_path: Path
) -> None:
    file = str(tmp_path / "plan.json")
    assert cli("plan", FILES, *CONNECTED, "--out", file).code == 0
    assert "label/acme/site/kind/bug" in cli("show", file, *KINDS).out
    assert cli("show", file).code == 3
    assert cli("apply", "--plan", file, *CONNECTED, "--auto-approve").code == 0
    assert len(github.writes) == 1


def test_drift_of_a_label_is_found_and_corrected(cli: CommandLine, github: LabelServer) -> None:
    cli("apply", FILES, *CONNECTED, "--auto-approve")
    github.repositories["acme/site"]["kind/bug"]["color"] = "000000"
    found = cli("drift", FILES, *CONNECTED)
    assert (found.code, "label/acme/site/kind/bug" in found.out) == (2, True)
    assert cli("drift", FILES, *CONNECTED, "--correct", "all").code == 0
    assert github.repositories["acme/site"]["kind/bug"]["color"] == "d73a4a"


def test_explain_takes_the_address_of_a_label(cli: CommandLine, github: LabelServer) -> None:
    done = cli("explain", "label/acme/site/kind/bug", "color", "--file", FILES, *CONNECTED)
    assert (done.code, "PATCH /repos/acme/site/labels/kind%2Fbug" in done.out) == (0, True)
    assert github.requests == [("GET", "/repos/acme/site/labels/kind%2Fbug", None)]


def test_a_null_that_a_kind_does_not_know_is_named_with_what_to_write(
    cli: CommandLine, github: LabelServer
) -> None:
    github.repositories["acme/site"]["kind/bug"]["color"] = None
    done = cli("plan", FILES, *CONNECTED)
    assert done.err.endswith(
        "color holds null; fields that cannot be compared are not changed, correct it there, or in the "
        "kind: its `optional` defines the meaning of a missing or null value\n"
    )


def test_a_missing_scope_is_named_with_its_parameters(cli: CommandLine, github: LabelServer) -> None:
    github.repositories.clear()
    done = cli("plan", FILES, *CONNECTED)
    assert "HTTP 404: Not Found; check owner, repo, and what the token may read\n" in done.err


def test_a_missing_label_is_named(cli: CommandLine, github: LabelServer) -> None:
    del github.repositories["acme/site"]["1.0"]
    done = cli("plan", FILES, *CONNECTED)
    assert (done.code, "label/acme/site/1.0: declared, but not on the server" in done.err) == (1, True)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (99, 1), (100, 2), (101, 2), (250, 3)])
def test_pages_are_read_until_a_short_one(
    cli: CommandLine, github: LabelServer, tmp_path: Path, count: int, pages: int
) -> None:
    github.repositories["acme/site"] = {f"l{number}": label(f"l{number}") for number in range(count)}
    file = tmp_path / "labels.yaml"
    file.write_text("{kind: label, owner: acme, repo: site, keys: []}")
    done = cli("plan", str(file), *CONNECTED, "-v")
    assert (done.code, len(github.requests)) == (0, pages)
    assert ("Unmanaged" in done.out) is bool(count)


def test_another_scheme_is_refused_by_the_service(cli: CommandLine, github: LabelServer) -> None:
    done = cli("plan", FILES, *KINDS)
    assert (done.code, "HTTP 401: Bad credentials" in done.err) == (1, True)
    assert len(github.requests) == 1


@pytest.mark.parametrize("word", ["", "two words", "Bearer:", "é", f"Bearer {TOKEN}", "a\nb", "x" * 65])
def test_a_scheme_must_be_one_word_and_is_checked_before_any_request(cli: CommandLine, word: str) -> None:
    done = cli("plan", FILES, *KINDS, "--auth-scheme", word)
    assert (done.code, "--auth-scheme must be one word" in done.err) == (1, True)
    assert TOKEN not in done.everything


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("kind: label\nowner: acme\n", "1:1: no repo; write `repo: TEXT` at the top of the document"),
        ("kind: label\nowner: acme\nrepo: a/b\n", 'repo "a/b" is not allowed; write the name'),
        ("kind: label\nowner: acme\nrepo: 7\n", "repo must be text, not the number 7"),
        ("kind: label\nowner: acme\nrepo: site\nrepos: x\n", "repos is not a known field; did you mean repo"),
        ((
            "kind: label\nowner: acme\nrepo: x\nregion_id: 1\n"
        ), (
            "region_id is not a part of the scope of label keys"
        )),
        ("kind: lable\nowner: acme\n", 'kind "lable" is unknown; write one of: caas'),
        ("owner: acme\nproject_id: 1\nregion_id: 1\n", "owner is not a known field"),
    ],
)  # fmt: skip
def test_a_document_header_has_exactly_the_parameters_of_its_kind(
    cli: CommandLine, tmp_path: Path, header: str, complaint: str
) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text(f"{header}keys: []\n")
    done = cli("validate", str(file), *KINDS)
    assert (done.code, complaint in done.err) == (1, True), done.err


def test_an_unknown_kind_is_reported_with_the_known_ones_only(cli: CommandLine) -> None:
    done = cli("validate", FILES)
    known = ", ".join(load_kinds())
    complaint = f'{FILES}/labels.yaml:2:7: kind "label" is unknown; write one of: {known}'
    assert (done.code, done.messages) == (1, [f"Error: {complaint}"])


@pytest.mark.parametrize("command", ["validate", "plan", "apply", "drift"])
def test_an_invalid_kind_stops_every_command_before_any_request(
    cli: CommandLine, tmp_path: Path, command: str
) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "keys.yaml").write_text("keys: []")
    (tmp_path / "kinds/thing.schema.json").write_text(json.dumps(changed("x-reconciler.identity", "nam")))
    done = cli(command, str(tmp_path / "keys.yaml"))
    assert (done.code, "x-reconciler.identity: nam is not a property" in done.err) == (1, True)
    assert "Traceback" not in done.everything


def test_kinds_can_be_named_in_the_environment(cli: CommandLine) -> None:
    cli.environment.setenv("RECONCILER_VALIDATE_KINDS", str(EXAMPLES / "kinds"))
    assert cli("validate", FILES).code == 0


def test_a_new_kind_needs_only_a_file(cli: CommandLine, github: LabelServer, tmp_path: Path) -> None:
    (tmp_path / "kinds").mkdir()
    shutil.copy(EXAMPLES / "kinds/label.schema.json", tmp_path / "kinds/tag.schema.json")
    text = (EXAMPLES / "labels/labels.yaml").read_text().replace("kind: label", "kind: tag")
    (tmp_path / "labels.yaml").write_text(text)
    assert "tag/acme/site/kind/bug" in cli("plan", str(tmp_path), "--auth-scheme", "Bearer").out
    assert cli("apply", str(tmp_path), "--auth-scheme", "Bearer", "--auto-approve").code == 0
    assert len(github.writes) == 1


def test_the_input_digest_includes_the_kinds(cli: CommandLine, github: LabelServer, tmp_path: Path) -> None:
    kinds = tmp_path / "kinds"
    kinds.mkdir()
    shutil.copy(EXAMPLES / "labels/labels.yaml", tmp_path)
    digests = set()
    schema: dict[str, Any] = json.loads((EXAMPLES / "kinds/label.schema.json").read_text())
    for title in ("Label", "Label", "Tag"):
        (kinds / "label.schema.json").write_text(json.dumps(schema | {"title": title}))
        done = cli("plan", str(tmp_path), "--auth-scheme", "Bearer", "--format", "json")
        digests.add(json.loads(done.out)["inputs_digest"])
    assert len(digests) == 2
    assert github.writes == []


def test_a_path_may_have_text_and_number_parameters(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds/thing.schema.json").write_text(json.dumps(PLAIN))
    (tmp_path / "a.yaml").write_text("{kind: thing, owner: acme, keys: [{name: x}]}")
    done = cli("validate", str(tmp_path), "--project-id", "7", "-v")
    assert (done.code, "thing/acme/7: 1 key" in done.everything) == (0, True)


@pytest.mark.parametrize("name", ["..", ".", "", "a/../b"])
def test_a_live_name_that_is_not_one_path_segment_gets_no_request(
    cli: CommandLine, github: LabelServer, tmp_path: Path, name: str
) -> None:
    github.repositories["acme/site"][name] = label(name)
    file = tmp_path / "labels.yaml"
    head = "kind: label\nowner: acme\nrepo: site\nexclusive: true\n"
    file.write_text(f"{head}labels: []\n".replace("labels", "keys"), encoding="utf-8")
    done = cli("apply", str(file), *CONNECTED, "--auto-approve", "--allow-destroy", "--max-revoked", "100%")
    assert "cannot be one segment of a request path" in done.everything
    assert done.code != 0
    assert not [path for _, path, _ in github.requests if not path.startswith("/repos/acme/site/labels")]
    assert ("DELETE", "/repos/acme/site/labels", None) not in github.requests
    assert name in github.repositories["acme/site"]


VALUES: dict[str, tuple[Any, list[str], list[Any]]] = {
    "rate": ({"type": "number"}, ["5", "5.0", "0.5e1"], [5, 5.0]),
    "count": ({"type": "integer"}, ["100", "1e2", "100.0"], [100, 100.0]),
    "channel": ({"type": ["integer", "null"]}, [str(2**63 - 1)], [2**63 - 1]),
    "steps": (
        {"type": "array", "uniqueItems": True, "items": {"type": "number"}},
        ["[1, 2.5]"],
        [[2.5, 1.0]],
    ),
    "extra": ({"type": "object"}, ["{a: [1.0]}"], [{"a": [1]}]),
    "level": ({"type": "number", "enum": [1, 2.0]}, ["1.0", "2"], [1, 2]),
}
SPELLINGS = [
    (field, keywords, text, live)
    for field, (keywords, texts, values) in VALUES.items()
    for text in texts
    for live in values
    if field != "level" or float(text) == live
]


@pytest.fixture
def numbers(cli: CommandLine, github: LabelServer, tmp_path: Path) -> Callable[..., Any]:
    """Plan one label with one more field, declared as a text of YAML and live as a value."""

    def plan(field: str, keywords: Any, text: str, live: Any, command: str = "plan") -> Any:
        kind = json.loads((EXAMPLES / "kinds/label.schema.json").read_text(encoding="utf-8"))
        kind["properties"][field] = keywords
        (tmp_path / "kinds").mkdir(exist_ok=True)
        (tmp_path / "kinds/label.schema.json").write_text(json.dumps(kind))
        document = f"kind: label\nowner: acme\nrepo: site\nkeys:\n  - name: wontfix\n    {field}: {text}\n"
        (tmp_path / "labels.yaml").write_text(document)
        github.repositories["acme/site"]["wontfix"][field] = live
        options = ["--auth-scheme", "Bearer"] if command == "plan" else []
        return cli(command, str(tmp_path), *options)

    return plan


@pytest.mark.parametrize(("field", "keywords", "text", "live"), SPELLINGS)
def test_numbers_are_compared_by_value_in_every_notation(
    numbers: Callable[..., Any], field: str, keywords: Any, text: str, live: Any
) -> None:
    done = numbers(field, keywords, text, live)
    assert (done.code, "No changes." in done.out) == (0, True), done.everything


def test_an_integral_number_in_exponent_notation_is_reported(numbers: Callable[..., Any]) -> None:
    done = numbers("count", {"type": "integer"}, "1e2", 100, "validate")
    assert done.code == 0
    place = "labels.yaml:6:12: label/acme/site/wontfix"
    assert f"{place}: count holds a whole number, which is read as 100; write it in digits" in done.err
    assert "Warning" not in numbers("rate", {"type": "number"}, "5.0", 5, "validate").err


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 400, ".inf", ".nan"])
def test_a_number_beyond_range_is_refused(numbers: Callable[..., Any], text: str) -> None:
    done = numbers("rate", {"type": "number"}, text, 5, "validate")
    assert done.code == 1
    assert "rate must be a number, not the text" in done.err


def test_a_live_number_beyond_range_is_refused(numbers: Callable[..., Any], github: LabelServer) -> None:
    github.repositories["acme/site"]["other"] = label("other") | {"rate": float("inf")}
    done = numbers("rate", {"type": "number"}, "5", 5)
    assert (done.code, "the response is not JSON" in done.err) == (1, True), done.everything
