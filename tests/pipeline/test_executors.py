"""Executors of the library: the same plan by processes, within the limits of all of them together."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reconciler
from tests.scopes import REGIONS, Api, content, write_files
from tests.support import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.api.client import Sessions


def one(url: str) -> reconciler.Client:
    return reconciler.Client(TOKEN, base_url=url, parallelism=2)


def several(url: str) -> reconciler.Apis:
    return reconciler.Apis.of(gcore=one(url), other=reconciler.Client("another-t0ken", base_url=url))


def planned(folder: Path, client: Sessions, **executor: Any) -> object:
    plan = reconciler.plan(reconciler.load(folder, **executor), client, **executor)
    return content(reconciler.render(plan, "json"))


@pytest.mark.parametrize("opened", [one, several])
def test_processes_make_the_same_plan_within_the_limit_of_all_of_them(
    tmp_path: Path, scopes: Api, opened: Callable[[str], Sessions]
) -> None:
    write_files(tmp_path)
    connect = partial(opened, scopes.url)
    with closing(connect()) as client:
        expected = planned(tmp_path, client)
    scopes.requests = scopes.most = 0
    with reconciler.processes(3, connect) as executor, closing(connect()) as client:
        assert planned(tmp_path, client, executor=executor) == expected
        assert planned(tmp_path, client, executor=executor) == expected
    assert (scopes.requests, scopes.most) == (2 * len(REGIONS), 2)


@pytest.mark.parametrize(
    ("count", "reason"),
    [(0, "must be positive"), (2, "cannot be sent to another process .*; use a function")],
)
def test_what_cannot_be_started_is_refused_at_once(count: int, reason: str) -> None:
    def connect() -> reconciler.Client:
        raise AssertionError("never called")

    with pytest.raises(reconciler.ConfigurationError, match=reason), reconciler.processes(count, connect):
        pass


def test_a_process_that_cannot_open_the_api_is_named(tmp_path: Path, scopes: Api) -> None:
    write_files(tmp_path)
    state, client = reconciler.load(tmp_path), one(scopes.url)
    folder = tmp_path / "opened"
    connect = partial(only_once, str(folder), scopes.url)
    with reconciler.processes(1, connect) as executor:
        pattern = r"the worker process \d+: the token is empty"
        with pytest.raises(reconciler.ConfigurationError, match=pattern):
            reconciler.plan(state, client, executor=executor)
    assert scopes.requests == 0


def only_once(folder: str, url: str) -> reconciler.Client:
    """Open the API where the folder is not there yet: in the first process that calls this."""
    path = Path(folder)
    is_first = not path.exists()
    path.mkdir(exist_ok=True)
    return one(url) if is_first else reconciler.Client("", base_url=url)
