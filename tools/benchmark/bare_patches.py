"""The same PATCHes with nothing around them: ``python -m benchmark.bare_patches URL DATASET THREADS``.

One httpx client for each thread, every body known beforehand, no response examined beyond its status.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from benchmark.data import changes, dataset_from_json


def send(client: httpx.Client, share: list[tuple[str, dict[str, Any]]]) -> int:
    """Send one thread's share of the PATCHes."""
    for path, body in share:
        client.patch(path, json=body).raise_for_status()
    return len(share)


def main(url: str, dataset_text: str, threads: str) -> None:
    """Send every PATCH, and print how many that were."""
    count = int(threads)
    work = list(changes(dataset_from_json(dataset_text)))
    headers = {"Authorization": f"apikey {os.environ['GCORE_API_KEY']}"}
    clients = [httpx.Client(base_url=url, headers=headers) for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        sent = sum(pool.map(send, clients, (work[start::count] for start in range(count))))
    for client in clients:
        client.close()
    print(json.dumps({"sent": sent}))


if __name__ == "__main__":
    main(*sys.argv[1:])
