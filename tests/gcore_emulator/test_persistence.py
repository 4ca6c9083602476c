from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcore_emulator import Emulator, EmulatorError
from tests.gcore_emulator.conftest import KEYS
from tests.gcore_emulator.kinds import BOX

SEED = {"caas": {"1/76": [{"name": "seeded", "containers": []}]}}
HEADERS = {"Authorization": "apikey emulator-token"}


def _listed(database: Path) -> list[dict[str, object]]:
    with Emulator(database=database) as emulator:
        results: list[dict[str, object]] = httpx.get(emulator.url + KEYS, headers=HEADERS).json()["results"]
        return results


def test_keys_survive_a_restart_unchanged(tmp_path: Path) -> None:
    database = tmp_path / "keys.db"
    with (
        Emulator(database=database) as emulator,
        httpx.Client(base_url=emulator.url, headers=HEADERS) as client,
    ):
        for name in ("one", "two", "gone"):
            body = {"name": name, "containers": [BOX], "description": "\ud800", "is_disabled": True}
            client.post(KEYS, content=_ascii_json(body))
        client.patch(f"{KEYS}/one", json={"expire": "2027-01-31T00:00:00.123456Z"})
        client.delete(f"{KEYS}/gone")
        before = client.get(KEYS).json()["results"]
    assert [key["name"] for key in before] == ["two", "one"]
    assert _listed(database) == before == _listed(database)


def test_keys_of_every_kind_survive_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "keys.db"
    attached = {"name": "web-key", "deployment_names": ["llama"], "expires_at": "2027-01-31T00:00:00Z"}
    with Emulator(database=database) as emulator:
        emulator.put_key(1, 76, {"name": "web-key", "containers": [BOX], "source": "iate"})
        emulator.put_key(1, 76, {"name": "web-key", "functions": [BOX]}, family="faas")
        emulator.put_key(1, None, attached, family="inference")
        before = _everything(emulator)
    assert [len(keys) for keys in before] == [1, 1, 1]
    with Emulator(database=database) as emulator:
        assert _everything(emulator) == before
        emulator.remove_key(1, None, "web-key", family="inference")
    with Emulator(database=database) as emulator:
        assert [len(keys) for keys in _everything(emulator)] == [1, 1, 0]


def _everything(emulator: Emulator) -> list[dict[str, dict[str, Any]]]:
    return [
        emulator.keys(1, 76),
        emulator.keys(1, 76, family="faas"),
        emulator.keys(1, family="inference"),
    ]


def _ascii_json(body: object) -> bytes:
    return json.dumps(body).encode()


def test_the_database_contains_no_secret(tmp_path: Path) -> None:
    database = tmp_path / "keys.db"
    with Emulator(database=database) as emulator:
        body = {"name": "web-key", "containers": []}
        secret = httpx.post(emulator.url + KEYS, headers=HEADERS, json=body).json()["secret"]
    files = list(tmp_path.iterdir())
    assert database in files
    assert all(secret.encode() not in file.read_bytes() for file in files)


def test_a_seed_is_used_only_for_a_new_file(tmp_path: Path) -> None:
    database = tmp_path / "keys.db"
    with Emulator(database=database, seed=SEED) as emulator:
        assert list(emulator.keys(1, 76)) == ["seeded"]
        emulator.remove_key(1, 76, "seeded")
    with Emulator(database=database, seed=SEED) as emulator:
        assert emulator.keys(1, 76) == {}


def test_a_second_emulator_on_the_same_file_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "keys.db"
    with Emulator(database=database), pytest.raises(EmulatorError, match=r"keys\.db: database is locked"):
        Emulator(database=database).__enter__()


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "keys.db"
    database.write_text("certainly not a database file, but long enough to look at" * 20)
    with pytest.raises(EmulatorError, match=r"keys\.db: file is not a database"):
        Emulator(database=database).__enter__()


def test_a_database_of_another_program_is_refused_and_unchanged(tmp_path: Path) -> None:
    database = tmp_path / "keys.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    before = database.read_bytes()
    with pytest.raises(EmulatorError, match=r"keys\.db: holds tables of another program"):
        Emulator(database=database).__enter__()
    assert database.read_bytes() == before


@pytest.mark.parametrize("name", ["file:x.db?mode=memory", "a#b%20c"])
def test_the_name_of_a_database_is_not_a_uri(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with Emulator(database=Path(name), seed=SEED):
        pass
    assert [file.name for file in tmp_path.iterdir()] == [name]
    with Emulator(database=Path(name)) as emulator:
        assert list(emulator.keys(1, 76)) == ["seeded"]


def test_a_database_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="unable to open database file"):
        Emulator(database=tmp_path / "missing" / "keys.db").__enter__()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("PRAGMA user_version = 9", "has format 9, and this version reads format 1"),
        ("UPDATE api_key SET document = '{}'", r"caas\.1/76\.containers: Field required"),
        ("UPDATE api_key SET document = '{'", "Expecting"),
    ],
)
def test_a_database_of_another_version_is_refused(tmp_path: Path, change: str, complaint: str) -> None:
    database = tmp_path / "keys.db"
    with Emulator(database=database, seed=SEED):
        pass
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(change)
    with pytest.raises(EmulatorError, match=complaint):
        Emulator(database=database).__enter__()
