"""Files are checked one by one and come together: the result does not depend on how they are split."""

from __future__ import annotations

import pickle
import re
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.errors import InputError
from reconciler.load.files import Input
from reconciler.model.phrases import MANY_MORE
from reconciler.model.source import Position, Problem
from reconciler.validate.parts import MOST_PROBLEMS, Part, merged
from reconciler.validate.state import validated
from reconciler.validate.validator import Validator
from tests.properties import examples
from tests.values import CAAS, kind_with, rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.desired import DesiredState
    from reconciler.validate.validator import Rules

THING = kind_with({"is_disabled": {"type": "boolean"}})
RULES = rules({"caas": CAAS, "thing": THING})
VALIDATOR = Validator(RULES)
HERE = "project_id: 1, region_id: 76"
VALID = [
    f"{{{HERE}, keys: [{{name: web-key, expire: 2026-06-02T00:00:00Z}}]}}",
    f"{{{HERE}, defaults: {{is_disabled: true}}, keys: [{{name: api-key}}, {{name: job-key}}]}}",
    f"{{{HERE}, exclusive: true, keys: []}}",
    "{kind: thing, project_id: 1, keys: [{name: web-key}, {name: wеb-key}]}",  # noqa: RUF001 - that is it
    "{kind: thing, project_id: 1, exclusive: true, keys: [{name: web_key}]}",
    "{kind: thing, project: shop, keys: [{name: web-key}]}",
    "{project: shop, region: Sines, keys: [{name: web-key}]}",
]
DOCUMENTS = [
    *VALID,
    f"{{{HERE}, keys: [{{name: web-key}}]}}",
    f"{{{HERE}, exclusive: true, keys: [{{name: web-key}}, {{name: web-key}}]}}",
    f"{{{HERE}, keys: [{{name: web-key, colour: red}}, {{name: job-key, lifecycle: {{replace: true}}}}]}}",
    f"{{{HERE}, defaults: {{expire: 2027}}, keys: [{{name: other-key}}]}}",
    "{project: shop, keys: [{name: web-key}]}",
    "[no, mapping]",
    "{kind: unknown, keys: []}",
]


def check(_: Rules, files: Iterable[Input]) -> Iterator[Part]:
    return map(VALIDATOR.check, files)


def outcome(documents: list[str], sizes: Iterable[int]) -> Any:
    """Return what files of so many documents each declare, or what is wrong; places name the document."""
    ends = [end for end in accumulate(sizes, initial=0) if end < len(documents)] + [len(documents)]
    files = [documents[start:end] for start, end in pairwise(ends)]

    def located(text: object) -> str:
        def place(found: re.Match[str]) -> str:
            return f"{ends[int(found[1])] + (int(found[2]) - 1) // 2}:{found[3]}"

        return re.sub(r"(\d+)\.yaml:(\d+):(\d+)", place, str(text))

    def read() -> DesiredState:
        contents = ("\n---\n".join(file).encode() for file in files)
        return validated([Input(text, f"{at}.yaml") for at, text in enumerate(contents)], RULES, check=check)

    try:
        state = read()
    except InputError as error:
        return sorted(located(problem) for problem in error.problems)
    keys = [
        (
            part.scope,
            key.name,
            dict(key.fields),
            located(key.position),
            located(key.inherited_from("is_disabled")),
        )
        for part in state.scopes
        for key in part.keys
    ]
    exclusive = [(part.scope, located(part.exclusive)) for part in state.scopes]
    names = [(named.parameter, named.name, located(named.position)) for named in state.names]
    return keys, exclusive, names, sorted(map(located, state.warnings))


@examples(60)
@given(
    st.lists(st.sampled_from(DOCUMENTS), min_size=1, max_size=6) | st.permutations(VALID),
    st.lists(st.integers(1, 3), max_size=6),
)
@example(VALID, [1, 1, 1, 1])
@example(DOCUMENTS, [1] * len(DOCUMENTS))
def test_however_documents_are_split_into_files_the_outcome_is_the_same(
    documents: list[str], sizes: list[int]
) -> None:
    assert outcome(documents, sizes) == outcome(documents, [len(documents)])


def files_of(*texts: str) -> list[Input]:
    return [Input(text.encode(), f"{number}.yaml") for number, text in enumerate(texts, 1)]


def problems(*texts: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        validated(files_of(*texts), RULES, check=check)
    return caught.value.texts


def test_every_repetition_in_other_files_names_the_first_place() -> None:
    again = f"{{{HERE}, keys: [{{name: web-key}}]}}"
    texts = [f"{{{HERE}, keys: [{{name: api-key}}, {{name: web-key}}]}}", again, f"{again}\n---\n{again}"]
    column = again.index("{name") + 1
    first = f"1.yaml:1:{column + len('{name: api-key}, ')}"
    assert problems(*texts) == tuple(
        f"{place}:{column}: caas/1/76/web-key: declared twice, first at {first}; keep one of the two"
        for place in ("2.yaml:1", "3.yaml:1", "3.yaml:3")
    )


def test_names_that_look_alike_in_two_files_are_warned_about_once() -> None:
    one, two = (
        f"{{kind: thing, project_id: 1, keys: [{{name: {name}}}]}}" for name in ("web-key", "Web-key")
    )
    state = validated(files_of(one, two), RULES, check=check)
    assert [(str(one.position), one.address) for one in state.warnings] == [
        (f"2.yaml:1:{two.index('{name') + 1}", "thing/1/Web-key")
    ]


def part(source: str, count: int, last: str = "wrong") -> Part:
    every = [Problem("wrong", Position(source, line + 1)) for line in range(count - 1)]
    return Part(source, (), (*every, Problem(last, Position(source, count))), (), ())


def test_after_the_problem_limit_no_further_file_is_looked_at() -> None:
    seen: list[str] = []

    def parts() -> Iterator[Part]:
        for source in ("a.yaml", "b.yaml", "c.yaml"):
            seen.append(source)
            yield part(source, MOST_PROBLEMS)

    with pytest.raises(InputError) as caught:
        merged(parts(), {})
    assert len(caught.value.problems) == MOST_PROBLEMS + 1
    assert (caught.value.problems[-1].message, seen) == (MANY_MORE, ["a.yaml", "b.yaml"])


def test_that_there_are_more_problems_is_said_once() -> None:
    with pytest.raises(InputError) as caught:
        merged([part("a.yaml", MOST_PROBLEMS + 1, MANY_MORE), part("b.yaml", 1)], {})
    assert [one.message for one in caught.value.problems].count(MANY_MORE) == 1


def test_problems_found_while_files_are_read_are_reported_with_those_of_the_files() -> None:
    found: list[Problem] = []

    def parts() -> Iterator[Part]:
        yield part("a.yaml", 1)
        found.append(Problem("gone", Position("b.yaml", 1, 1)))

    with pytest.raises(InputError) as caught:
        merged(parts(), {}, found)
    assert caught.value.texts == ("a.yaml:1:1: wrong", "b.yaml:1:1: gone")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_part_can_be_sent_to_another_process(document: str) -> None:
    found = VALIDATOR.check(Input(document.encode(), "a.yaml"))
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - what was just written
    assert again == found
    assert [tuple(one.keys) for one in again.scopes] == [tuple(one.keys) for one in found.scopes]
