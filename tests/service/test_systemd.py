"""Notifying systemd: what is sent, how often, and that a listener is not required."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reconciler.service.systemd import Heartbeat, Supervisor
from tests.support import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Systemd:
    """A datagram socket, and what has come in on it."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(0)
        self.socket.bind(address)

    def received(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096))
            except BlockingIOError:
                return found


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def systemd(path: str) -> Iterator[Systemd]:
    manager = Systemd(path)
    with closing(manager.socket):
        yield manager


@pytest.mark.parametrize(
    ("states", "datagram"),
    [
        (("READY=1",), b"READY=1"),
        (("READY=1", "STATUS=Last round: in sync"), b"READY=1\nSTATUS=Last round: in sync"),
        (("STATUS=caf\u00e9",), "STATUS=caf\u00e9".encode()),
    ],
)
def test_states_are_sent_to_the_socket_as_one_datagram(
    systemd: Systemd, path: str, states: tuple[str, ...], datagram: bytes
) -> None:
    Supervisor(path).notify(*states)
    assert systemd.received() == [datagram]


def test_a_name_that_starts_with_an_at_sign_is_abstract(path: str) -> None:
    name = f"reconciler-test{path}"
    with closing((manager := Systemd(f"\0{name}")).socket):
        Supervisor(f"@{name}").notify("READY=1")
        assert manager.received() == [b"READY=1"]


def test_without_an_address_nothing_is_sent() -> None:
    supervisor = Supervisor(None, 30)
    supervisor.notify("READY=1")
    assert supervisor.watchdog is None


@pytest.mark.parametrize(
    "address", ["", "@", "/missing/notify", "@nobody-listens", "x" * 200, "vsock:2:1234", "/"]
)
def test_a_socket_without_a_listener_is_not_an_error(address: str) -> None:
    Supervisor(address).notify("READY=1")


def test_a_removed_socket_is_not_an_error(systemd: Systemd, path: str) -> None:
    supervisor = Supervisor(path)
    supervisor.notify("READY=1")
    assert systemd.received() == [b"READY=1"]
    systemd.socket.close()
    supervisor.notify("STOPPING=1")


def test_an_unsupported_address_is_not_an_error(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.bind(path)
        stream.listen()
        Supervisor(path).notify("READY=1")


def beats(supervisor: Supervisor, systemd: Systemd, *distances: float) -> list[int]:
    """Beat after each distance and return the number of messages to systemd each time."""
    clock = FakeClock()
    heartbeat = Heartbeat(clock, supervisor, 300)
    found = []
    for distance in distances:
        clock.elapsed += distance
        heartbeat.touch()
        received = systemd.received()
        assert received == [b"WATCHDOG=1"] * len(received)
        found.append(len(received))
    return found


def test_the_heartbeat_is_sent_four_times_per_watchdog_interval(systemd: Systemd, path: str) -> None:
    assert beats(Supervisor(path, 40), systemd, 1, 8, 1, 1, 9, 9.5, 0.5, 100, 0) == [
        0,
        0,
        1,
        0,
        1,
        0,
        1,
        1,
        0,
    ]


def test_the_heartbeat_is_not_sent_without_a_watchdog(systemd: Systemd, path: str) -> None:
    assert beats(Supervisor(path), systemd, 100, 100, 100) == [0, 0, 0]


def test_a_heartbeat_works_without_systemd() -> None:
    clock = FakeClock()
    heartbeat = Heartbeat(clock, Supervisor(None, 40), 300)
    clock.elapsed = 100
    heartbeat.touch()
    assert heartbeat.silence() == 0


def test_a_loop_is_stuck_after_longer_than_any_step_may_take() -> None:
    clock = FakeClock()
    clock.elapsed = 1000
    heartbeat = Heartbeat(clock, Supervisor(None), 300)
    assert (heartbeat.silence(), heartbeat.is_stuck()) == (0, False)
    clock.elapsed += 300
    assert (heartbeat.silence(), heartbeat.is_stuck()) == (300, False)
    clock.elapsed += 0.1
    assert heartbeat.is_stuck()
    heartbeat.touch()
    assert (heartbeat.silence(), heartbeat.is_stuck()) == (0, False)
