"""A plan does not depend on where its files are checked and its scopes are compared."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import BrokenExecutor, Future
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import reconciler
from reconciler.api.client import Session
from reconciler.api.surroundings import Surroundings
from reconciler.api.workers import Workers
from reconciler.errors import (
    ConfigurationError,
    InputError,
    ReconcilerError,
    StoppedError,
    SystemFailureError,
    UnreadableError,
)
from reconciler.load.files import Input
from reconciler.pipeline.distribution import Distributed
from reconciler.pipeline.execution import IN_PROCESS, Adaptive
from reconciler.pipeline.reading import Comparison, Failing, follow_nothing
from reconciler.pipeline.worker import Comparer, Examined, check_files
from reconciler.plan.saved import render_saved
from reconciler.validate.state import validated
from tests.properties import examples
from tests.support import NOON, connect, live
from tests.values import CAAS, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.api.exchange import Exchange
    from reconciler.model.desired import DesiredScope, DesiredState
    from reconciler.model.scope import Scope
    from reconciler.pipeline.execution import Executor

T = TypeVar("T")
KINDS = {"caas": CAAS}
RULES = rules(KINDS)
REGIONS = range(1, 6)
NAMES = [f"key-{number}" for number in range(12)]
MISSING = 5
"""A region that cannot be read."""


def respond(request: httpx.Request) -> httpx.Response:
    """Serve a few keys of each region but one."""
    region = int(request.url.path.rpartition("/")[2])
    if region == MISSING:
        return httpx.Response(404, json={"message": "no such region"})
    rows = [live(name, description="live") for name in NAMES[region:]]
    return httpx.Response(200, json={"count": len(rows), "results": rows})


def session(surroundings: Surroundings | None = None) -> Session:
    found: dict[str, Any] = {}
    if surroundings is not None:
        found = {"stop": surroundings.stop, "on_exchange": surroundings.on_exchange}
    return Session(connect(respond, **found), Workers(2))


def refuse(surroundings: Surroundings) -> Session:
    raise ConfigurationError(f"no token for {surroundings.name[:2]}")


def travelled(value: T) -> T:
    """Return what arrives of a value in another process."""
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - its own
    return copy


class Elsewhere:
    """A pool whose calls are pickled, and so are their results; ``breaks`` says which of them fail."""

    width = 2

    def __init__(self, breaks: Sequence[bool] = (), *, is_starting: bool = False) -> None:
        self.is_starting = is_starting
        self._breaks = iter(breaks)
        self.renewals = self.calls = 0

    def submit(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        self.calls += 1
        future = Future[T]()
        if next(self._breaks, False):
            if len(arguments[0] if isinstance(arguments[0], bytes) else b"") % 2:
                raise BrokenExecutor
            future.set_exception(BrokenExecutor())
            return future
        try:
            call, sent = travelled((function, arguments))
            future.set_result(travelled(call(*sent)))
        except ReconcilerError as error:
            future.set_exception(travelled(error))
        return future

    def compare(self, task: bytes, scopes: Sequence[DesiredScope]) -> Future[Examined]:
        return self.submit(examine, task, scopes)

    def check(self) -> None:
        pass

    def renew(self) -> None:
        self.renewals += 1


WORKERS: list[Comparer] = []


def examine(task: bytes, scopes: Any) -> Any:
    return WORKERS[0].examine(task, scopes)


def distributed(
    pool: Elsewhere,
    connection: Callable[[Surroundings], Session] = session,
) -> Distributed:
    with session() as own:
        surroundings = Surroundings("process 7", own.stop, lambda _api: None, lambda _exchange: None)
    WORKERS[:] = [Comparer(surroundings)]
    return Distributed(pool, connection)


def document(region: int, names: Iterable[str], text: str) -> str:
    keys = [{"name": name, "description": text} for name in names]
    return json.dumps({"project_id": 1, "region_id": region, "keys": keys})


def state_of(files: Sequence[Sequence[str]], by: Executor) -> DesiredState:
    contents = ("\n---\n".join(file).encode() for file in files)
    return validated([Input(text, f"{at}.yaml") for at, text in enumerate(contents)], RULES, check=by.check)


def outcome(files: Sequence[Sequence[str]], by: Executor, targets: Sequence[str] = ()) -> object:
    """Return the bytes of the plan, or what is wrong."""
    try:
        state = state_of(files, by)
        with session() as client:
            return render_saved(
                reconciler.plan(state, client, kinds=KINDS, now=NOON, targets=targets, executor=by)
            )
    except (ConfigurationError, InputError, UnreadableError) as error:
        return type(error), error.texts


documents = st.builds(
    document,
    st.sampled_from(REGIONS),
    st.lists(st.sampled_from(NAMES), max_size=4),
    st.sampled_from(["live", "new"]),
)


@examples(40)
@given(
    st.lists(documents, min_size=1, max_size=8),
    st.lists(st.integers(1, 3), max_size=8),
    st.lists(st.booleans(), max_size=3),
    st.sampled_from([(), ("caas/1/2/*",)]),
)
@example([document(region, NAMES[region::5], "new") for region in range(1, 5)], [1] * 4, [True] * 3, ())
@example([document(region, NAMES[region::5], "new") for region in REGIONS], [2, 1, 2], [False, True], ())
def test_a_plan_of_several_processes_is_the_same_byte_for_byte(
    texts: list[str], sizes: list[int], breaks: list[bool], targets: tuple[str, ...]
) -> None:
    ends = [end for end in accumulate(sizes, initial=0) if end < len(texts)] + [len(texts)]
    files = [texts[start:end] for start, end in pairwise(ends)]
    pool = Elsewhere(breaks, is_starting=len(texts) % 2 == 0)
    with_breaks = outcome(files, distributed(pool), targets)
    assert with_breaks == outcome(files, IN_PROCESS, targets)


WHOLE = [[document(region, NAMES[region:], "new")] for region in range(1, 5)]


def test_every_request_is_reported_to_the_run_that_it_belongs_to() -> None:
    exchanges: list[Exchange] = []
    by = distributed(Elsewhere())
    state = state_of(WHOLE, by)
    with Session(connect(respond, on_exchange=exchanges.append), Workers(1)) as client:
        reconciler.plan(state, client, kinds=KINDS, now=NOON, executor=by)
    assert sorted(exchange.path.partition("?")[0] for exchange in exchanges) == [
        f"/cloud/v1/caas/keys/1/{region}" for region in range(1, 5)
    ]


def test_a_worker_that_ends_again_and_again_is_an_error() -> None:
    pool = Elsewhere([True] * 50)
    with pytest.raises(SystemFailureError, match="workers ended 4 times before their work did"):
        state_of(WHOLE, distributed(pool))
    assert pool.renewals == 4


def test_when_a_worker_ends_all_that_it_takes_along_is_begun_again_at_once() -> None:
    pool = Elsewhere([True] * 4)
    state = state_of(WHOLE, IN_PROCESS)
    with session() as client:
        found = reconciler.plan(state, client, kinds=KINDS, now=NOON, executor=distributed(pool))
    assert render_saved(found) == outcome(WHOLE, IN_PROCESS)
    assert (pool.renewals, pool.calls) == (1, 8)


def test_a_worker_without_a_token_is_named() -> None:
    by = distributed(Elsewhere(), refuse)
    with session() as client, pytest.raises(ConfigurationError) as caught:
        reconciler.plan(state_of(WHOLE, by), client, kinds=KINDS, now=NOON, executor=by)
    assert str(caught.value) == "the worker process 7: no token for pr"


class Busy(Elsewhere):
    """A pool that begins nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.futures: list[Future[Any]] = []

    def submit(self, _function: Callable[..., T], *_arguments: object) -> Future[T]:
        self.futures.append(Future[T]())
        return self.futures[-1]


class Unread(Elsewhere):
    """A pool that does nothing, and stores the items of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Sequence[Any]] = []

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        self.parts.append(arguments[1])
        future = Future[Any]()
        future.set_result([] if function is check_files else Examined((), {}, ()))
        return future


def test_steps_are_large_while_much_is_left_and_small_at_the_end() -> None:
    pool, half = Unread(), bytes(1 << 19)
    files = [Input(half, f"{at}.yaml") for at in range(100)]
    sent: list[int] = []  # when each file was read: after how many steps

    def read() -> Iterator[Input]:
        for file in files:
            sent.append(len(pool.parts))
            yield file

    assert [*distributed(pool).check(RULES, read())] == []
    assert [*chain.from_iterable(pool.parts)] == files
    sizes = [len(part) for part in pool.parts]
    assert (sizes[:5], sizes[-8:], len(sizes)) == ([1, 1, 1, 2, 3], [4, 3, 3, 2, 1, 1, 1, 1], 32)
    assert sizes[5:] == sorted(sizes[5:], reverse=True)
    assert sizes[5] == sizes[20] == 4
    before = [0, *accumulate(map(len, pool.parts))]
    assert max(at - before[step] for at, step in enumerate(sent, 1)) == 16  # 8 MiB are read ahead


@pytest.mark.parametrize(
    ("at_once", "sizes"),
    [(2, [4, 3, 3, 2, *[1] * 4]), (10, [5, 5, 5, 1])],
    ids=["by size", "as many at least as a worker requests at once"],
)
def test_few_scopes_are_spread_over_all_workers(at_once: int, sizes: list[int]) -> None:
    files = [[document(region, ["web"], "new") for region in range(1, 17)]]
    pool, state = Unread(), state_of(files, IN_PROCESS)
    with Session(connect(respond), Workers(at_once)) as client:
        how = Comparison(KINDS, (), NOON, Failing.STOPS_API)
        assert distributed(pool).examine(client, state, how, follow_nothing) == ([], {})
    assert [*chain.from_iterable(pool.parts)] == [*state.scopes]
    assert [len(part) for part in pool.parts] == sizes


def test_the_first_step_is_done_here_while_other_processes_start() -> None:
    small, half = Input(b"{project_id: 1, region_id: 1, keys: []}", "a.yaml"), Input(bytes(1 << 19), "b.yaml")
    pool = Unread()
    pool.is_starting = True
    parts = [*distributed(pool).check(RULES, [small, half, small])]
    assert ([part.source for part in parts], pool.parts) == (["a.yaml", "b.yaml"], [(small,)])
    assert [*distributed(pool).check(RULES, [])] == []


def test_a_stopped_run_begins_nothing_more() -> None:
    pool = Busy()
    by = distributed(pool)
    state = state_of(WHOLE, IN_PROCESS)
    with session() as client:
        client.stop.set()
        with pytest.raises(StoppedError):
            by.examine(client, state, Comparison(KINDS, (), NOON, Failing.STOPS_API), follow_nothing)
    assert [future.cancelled() for future in pool.futures] == [True] * 4


def test_scopes_that_cannot_be_read_are_the_same_in_drift() -> None:
    files = [*WHOLE, [document(MISSING, NAMES, "new")]]

    def unread(by: Executor) -> dict[Scope, str]:
        with session() as client:
            report = reconciler.drift(state_of(files, by), client, kinds=KINDS, now=NOON, executor=by)
        return {scope: str(error) for scope, error in report.unread.items()}

    assert unread(distributed(Elsewhere())) == unread(IN_PROCESS) != {}


@pytest.mark.parametrize(("size", "is_started"), [(100, False), (5 << 20, True)])
def test_other_processes_are_started_for_large_files_only(size: int, *, is_started: bool) -> None:
    started: list[Executor] = []

    def start() -> Executor:
        started.append(distributed(Elsewhere()))
        return started[0]

    by = Adaptive(start)
    files = [*WHOLE, ["# " + "x" * size]]
    assert outcome(files, by) == outcome(files, IN_PROCESS)
    assert len(started) == is_started


def test_other_processes_are_started_once() -> None:
    started: list[Executor] = []

    def start() -> Executor:
        started.append(distributed(Elsewhere()))
        return started[0]

    by = Adaptive(start)
    for _ in range(2):
        assert len([*by.check(RULES, [Input(b"# " + b"x" * (5 << 20), "a.yaml")])]) == 1
    assert len(started) == 1


class Gone(Elsewhere):
    """A pool that cannot even be asked how wide it is, such as a cluster that is down."""

    @property
    def width(self) -> int:  # type: ignore[override]
        raise SystemFailureError("gone")


def test_nothing_is_asked_of_a_pool_where_no_file_is_to_be_checked() -> None:
    by = distributed(Gone())
    assert [*by.check(RULES, [])] == []
    with pytest.raises(SystemFailureError):
        state_of(WHOLE, by)


def test_a_token_cannot_be_sent_to_a_worker() -> None:
    with session() as client, pytest.raises(TypeError, match="secret"):
        pickle.dumps(client.connection.token)
