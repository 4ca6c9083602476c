"""The tables of a history, and the steps from each earlier format of its file to the present one."""

from __future__ import annotations

from typing import Final


def _statements(script: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, script.split(";"))))


_V1: Final = """
CREATE TABLE run (
    id TEXT PRIMARY KEY, began INTEGER NOT NULL, command TEXT NOT NULL, version TEXT NOT NULL,
    who TEXT NOT NULL, git_commit TEXT
);
CREATE TABLE round (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER, result TEXT,
    drifted INTEGER NOT NULL DEFAULT 0, corrected INTEGER NOT NULL DEFAULT 0,
    contested INTEGER NOT NULL DEFAULT 0, errors TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX round_by_result ON round (result, began);
CREATE INDEX round_by_time ON round (began);
CREATE TABLE episode (
    id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL, field TEXT NOT NULL, effect TEXT NOT NULL,
    reason TEXT NOT NULL, declared TEXT NOT NULL, live TEXT NOT NULL, first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL, rounds INTEGER NOT NULL, ended INTEGER, outcome TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '', corrected INTEGER, run TEXT, told TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX episode_open ON episode (address, field) WHERE ended IS NULL;
CREATE INDEX episode_by_time ON episode (last_seen);
CREATE INDEX episode_by_key ON episode (address, last_seen);
CREATE INDEX episode_untold ON episode (outcome, told) WHERE told != outcome;
CREATE INDEX episode_corrected ON episode (address, field, corrected) WHERE corrected IS NOT NULL;
CREATE TABLE contest (
    address TEXT NOT NULL, field TEXT NOT NULL, declared TEXT NOT NULL, live TEXT NOT NULL,
    since INTEGER NOT NULL, corrections INTEGER NOT NULL, PRIMARY KEY (address, field)
);
CREATE TABLE settled (
    address TEXT NOT NULL, field TEXT NOT NULL, last_episode INTEGER NOT NULL, PRIMARY KEY (address, field)
);
CREATE TABLE scope (
    scope TEXT PRIMARY KEY, standing TEXT NOT NULL, since INTEGER NOT NULL, keys INTEGER NOT NULL,
    detail TEXT NOT NULL
);
CREATE TABLE condition (
    name TEXT PRIMARY KEY, since INTEGER NOT NULL, rounds INTEGER NOT NULL, told INTEGER NOT NULL,
    over INTEGER NOT NULL
);
CREATE TABLE journal (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, line TEXT NOT NULL);
CREATE INDEX journal_by_time ON journal (at);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_V2: Final = """
ALTER TABLE round ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE episode ADD COLUMN action TEXT NOT NULL DEFAULT 'update';
ALTER TABLE episode ADD COLUMN origin TEXT;
CREATE TABLE pending (
    address TEXT NOT NULL, field TEXT NOT NULL, action TEXT NOT NULL, effect TEXT NOT NULL,
    reason TEXT NOT NULL, declared TEXT NOT NULL, live TEXT NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (address, field)
);
CREATE TABLE applied (
    address TEXT PRIMARY KEY, state TEXT NOT NULL, fields TEXT NOT NULL, complete INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE unmanaged (
    address TEXT PRIMARY KEY, first_seen INTEGER NOT NULL, is_new INTEGER NOT NULL,
    told INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE baseline (scope TEXT PRIMARY KEY, declared INTEGER NOT NULL);
"""
_OF_EPISODES: Final = "SELECT address, max(last_seen) FROM episode GROUP BY address"
# When each key was last seen drifted: a million episodes are of few keys. The file itself keeps it, so that a
# run of an earlier version that goes on while the file is converted does too. The latest time of a key is one
# step in an index, and not the greater of two: a clock may be set back.
_FOLLOW: Final = (
    "INSERT INTO drifted_key SELECT address, max(last_seen) FROM episode WHERE address = {row}.address"
    " GROUP BY address ON CONFLICT (address) DO UPDATE SET last_seen = excluded.last_seen"
)
_LEAVE: Final = "DELETE FROM drifted_key WHERE address = OLD.address"
_V3: Final = (
    "CREATE TABLE drifted_key (address TEXT PRIMARY KEY, last_seen INTEGER NOT NULL) WITHOUT ROWID",
    f"INSERT INTO drifted_key {_OF_EPISODES}",
    f"CREATE TRIGGER drift_began AFTER INSERT ON episode BEGIN {_FOLLOW.format(row='NEW')}; END",
    f"CREATE TRIGGER drift_seen AFTER UPDATE OF last_seen ON episode BEGIN {_FOLLOW.format(row='NEW')}; END",
    f"CREATE TRIGGER drift_deleted AFTER DELETE ON episode BEGIN {_LEAVE}; {_FOLLOW.format(row='OLD')}; END",
    "CREATE INDEX round_of_result ON round (result)",
)
_V4: Final = ("CREATE TABLE object_id (address TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID",)
_V5: Final = _statements("""
CREATE TABLE expiry (
    address TEXT PRIMARY KEY, field TEXT NOT NULL, at INTEGER NOT NULL, is_rotated INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE rotation (
    address TEXT PRIMARY KEY, successor TEXT NOT NULL, stage TEXT NOT NULL, ends INTEGER, step TEXT NOT NULL
) WITHOUT ROWID;
""")
_STEPS: Final = (_statements(_V1), _statements(_V2), _V3, _V4, _V5)
VERSION: Final = len(_STEPS)
_KEYS_SHOWN: Final = f"CREATE TEMP VIEW drifted_key (address, last_seen) AS {_OF_EPISODES}"
_NO_IDS: Final = "CREATE TEMP VIEW object_id AS SELECT '' AS address, '' AS id WHERE 0"
_NO_LIVES: Final = (
    "CREATE TEMP VIEW expiry AS SELECT '' AS address, '' AS field, 0 AS at, 0 AS is_rotated WHERE 0",
    "CREATE TEMP VIEW rotation (address, successor, stage, ends, step) AS SELECT '', '', '', 0, '' WHERE 0",
)
_SHOWN: Final = {
    1: (
        "PRAGMA temp_store = MEMORY",
        "CREATE TEMP VIEW round AS SELECT *, 0 AS pending FROM main.round",
        "CREATE TEMP VIEW episode AS SELECT *, 'update' AS action, NULL AS origin FROM main.episode",
        "CREATE TEMP TABLE pending (address, field, action, effect, reason, declared, live, since)",
        "CREATE TEMP TABLE unmanaged (address, first_seen, is_new)",
        _KEYS_SHOWN,
        _NO_IDS,
        *_NO_LIVES,
    ),
    2: (_KEYS_SHOWN, _NO_IDS, *_NO_LIVES),
    3: (_NO_IDS, *_NO_LIVES),
    4: _NO_LIVES,
}


def steps_from(version: int) -> tuple[str, ...]:
    """Return the statements that migrate a file of format ``version``, 0 for a new one, to today's."""
    return tuple(statement for step in _STEPS[version:] for statement in step)


def views_of(version: int) -> tuple[str, ...]:
    """Return the statements that let a connection read a file of format ``version`` like the present one.

    They do not change the file.
    """
    return _SHOWN.get(version, ())
