"""The least work that a plan can be: ``python -m benchmark.floor PORT DIRECTORY DATASET``.

Parser events of the files are read and dropped; the pages are read from one raw socket and parsed;
each field is compared. No key is built, validated or stored, and nothing is printed about any. The
expected values would come from the files, so making them here is not part of the floor: the time
that takes is printed, to be subtracted.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from yaml.cyaml import CParser  # type: ignore[attr-defined]  # re-exported, but not by the stub


def drop_events(directory: Path) -> None:
    """Read every event of every file."""
    for path in sorted(directory.glob("*.yaml")):
        parser = CParser(path.read_bytes())
        while parser.get_event() is not None:
            pass


def read_page(connection: socket.socket, request: bytes) -> Any:
    """Send one request and read its JSON response."""
    connection.sendall(request)
    received = bytearray()
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += connection.recv(1 << 20)
    head = bytes(received[:end]).lower()
    start = end + 4
    size = start + int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(received) < size:
        received += connection.recv(1 << 20)
    return json.loads(received[start:])


def count_equal(results: list[dict[str, Any]], expected: dict[str, dict[str, Any]]) -> int:
    """Compare each managed field of each key."""
    equal = 0
    for key in results:
        wanted = expected[key["name"]]
        equal += (
            key["description"] == wanted["description"]
            and key["expire"] == wanted["expire"]
            and key["is_disabled"] == wanted["is_disabled"]
            and key["containers"] == wanted["containers"]
        )
    return equal


def main(port: str, directory: str, dataset_text: str) -> None:
    """Do the least work, and print how many keys were equal."""
    # A floor has no use for the collector: it makes no cycles.
    gc.disable()
    started = time.perf_counter()
    from benchmark.data import PAGE_LIMIT, dataset_from_json, desired_key, key_name, scope_path  # noqa: PLC0415 - timed

    dataset = dataset_from_json(dataset_text)
    expected = [
        {key_name(index): desired_key(scope, index) for index in range(1, size + 1)}
        for scope, size in enumerate(dataset.sizes)
    ]
    preparation = time.perf_counter() - started
    drop_events(Path(directory))
    equal = 0
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        for scope, size in enumerate(dataset.sizes):
            for offset in range(0, size, PAGE_LIMIT):
                request = (
                    f"GET {scope_path(scope)}?limit={PAGE_LIMIT}&offset={offset} HTTP/1.1\r\n"
                    f"Host: 127.0.0.1\r\nAuthorization: apikey {os.environ['GCORE_API_KEY']}\r\n\r\n"
                )
                equal += count_equal(read_page(connection, request.encode())["results"], expected[scope])
    print(json.dumps({"equal": equal, "preparation_seconds": preparation}), flush=True)
    # Nor is freeing what the preparation made part of the floor.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
