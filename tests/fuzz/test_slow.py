from __future__ import annotations

from fuzz.slow import run


def test_no_server_can_delay_a_request_beyond_the_bound() -> None:
    report = run(seed=7, cases=32)
    assert [f"{broken.promise}: {broken.case}: {broken.detail}" for broken in report.broken] == []
