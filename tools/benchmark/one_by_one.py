"""A loop over keys, as scripts write it: ``python -m benchmark.one_by_one URL DATASET COUNT``.

One GET for each of the first COUNT keys of the first scope, and one PATCH with the complete body for
each that differs, one request after the other. It stands in for the vendor's SDK, which is a layer
over the same HTTP library and can only be slower.
"""

from __future__ import annotations

import json
import os
import sys
import time

import httpx

from benchmark.data import MANAGED, dataset_from_json, desired_key, scope_path


def main(url: str, dataset_text: str, count: str) -> None:
    """Correct the keys, and print the number of requests and the seconds of the loop alone."""
    dataset = dataset_from_json(dataset_text)
    requests = 0
    headers = {"Authorization": f"apikey {os.environ['GCORE_API_KEY']}"}
    with httpx.Client(base_url=url, headers=headers) as client:
        started = time.perf_counter()
        for index in range(1, min(int(count), dataset.sizes[0]) + 1):
            desired = desired_key(0, index)
            path = f"{scope_path(0)}/{desired['name']}"
            body = {name: desired[name] for name in MANAGED}
            live = client.get(path).raise_for_status().json()
            requests += 1
            if any(live[name] != body[name] for name in MANAGED):
                client.patch(path, json=body).raise_for_status()
                requests += 1
        seconds = time.perf_counter() - started
    print(json.dumps({"requests": requests, "loop_seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
