"""A plan as one would first write it: ``python -m benchmark.obvious URL DIRECTORY SCHEMA``.

It uses the same four packages without any of the care: entire documents in memory, a schema
validator for every key, a deep diff of every key. It knows the C loader, and builds the validator
and the HTTP client only once: it is plain, not careless.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import yaml
from deepdiff import DeepDiff
from jsonschema import Draft7Validator

PAGE_LIMIT = 1000


def load(directory: Path, validator: Draft7Validator) -> list[dict[str, Any]]:
    """Read and validate every document."""
    documents = []
    for path in sorted(directory.glob("*.yaml")):
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for key in document["keys"]:
            # YAML 1.1 made the expiry a datetime; the schema and the API want text.
            if isinstance(key["expire"], dt.datetime):
                key["expire"] = key["expire"].strftime("%Y-%m-%dT%H:%M:%SZ")
            errors = list(validator.iter_errors(key))
            if errors:
                raise SystemExit(f"{path.name}: {errors[0].message}")
        documents.append(document)
    return documents


def observe(client: httpx.Client, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """List every live key of the document's scope."""
    live: dict[str, dict[str, Any]] = {}
    while True:
        response = client.get(
            f"/cloud/v1/caas/keys/{document['project_id']}/{document['region_id']}",
            params={"limit": PAGE_LIMIT, "offset": len(live)},
        )
        response.raise_for_status()
        page = response.json()
        live.update((key["name"], key) for key in page["results"])
        if not page["results"] or len(live) >= page["count"]:
            return live


def main(url: str, directory: str, schema: str) -> None:
    """Plan, and print how many keys were compared and how many of them differ."""
    validator = Draft7Validator(json.loads(Path(schema).read_text(encoding="utf-8")))
    documents = load(Path(directory), validator)
    compared = changed = 0
    headers = {"Authorization": f"apikey {os.environ['GCORE_API_KEY']}"}
    with httpx.Client(base_url=url, headers=headers) as client:
        for document in documents:
            live = observe(client, document)
            for key in document["keys"]:
                observed = {name: live[key["name"]][name] for name in key}
                changed += bool(DeepDiff(observed, key, ignore_order=True))
                compared += 1
    print(json.dumps({"compared": compared, "changed": changed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
