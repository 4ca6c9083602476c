"""Settings of a drift run: how long its history retains what has ended."""

from __future__ import annotations

import datetime as dt

import pytest

from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.endpoint import BaseUrl
from reconciler.model.system import SystemRandomness
from reconciler.plan.correction import Permissions
from reconciler.plan.drift import FlappingRule
from reconciler.plan.limits import Limits
from reconciler.service.records import RecordSettings
from reconciler.service.settings import DriftSettings

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("history", "retention", "window", "purged_after"),
    [
        ("drift.db", 90 * DAY, DAY, 90 * DAY),
        ("drift.db", HOUR, HOUR, HOUR),
        (None, 90 * DAY, DAY, DAY),
        (None, 90 * DAY, 7 * DAY, 7 * DAY),
        (None, 90 * DAY, HOUR, DAY),
        (None, HOUR, HOUR, HOUR),
    ],
)
def test_an_in_memory_history_retains_only_what_flapping_detection_needs(
    history: str | None, retention: dt.timedelta, window: dt.timedelta, purged_after: dt.timedelta
) -> None:
    settings = DriftSettings(
        paths=["keys"],
        targets=[],
        parallelism={BUILT_IN_API: 1},
        limits=Limits(),
        correct=None,
        permissions=Permissions(),
        flapping=FlappingRule(3, window),
        records=RecordSettings(
            "drift",
            {BUILT_IN_API: BaseUrl("https://api.example.com")},
            "me",
            lambda: None,
            SystemRandomness(),
            None,
            history,
        ),
        retention=retention,
        metrics_port=None,
        metrics_address="127.0.0.1",
        metrics_hosts=[],
        metrics_file=None,
        notify_after=1,
        longest_silence=300,
        schedule=None,
        jitter=0,
    )
    assert settings.purged_after == purged_after
