"""How long the parsers take, without a process around them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

import yaml

from benchmark.data import Dataset, write_files
from benchmark.processes import BenchmarkError, Place
from benchmark.report import Pairs, Row, Subject
from reconciler.load.files import Input, parse_content

if TYPE_CHECKING:
    from benchmark.scale import Scale

_JSON_LIMIT: Final = 0.35


def measure(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Parse the same text as JSON and as YAML, which it is too, by turns, in seconds of the processor."""
    folder = place.directory / "json"
    write_files(Dataset((scale.scope_keys * scale.obvious_scopes,)), folder)
    (file,) = folder.iterdir()
    content = json.dumps(yaml.load(file.read_bytes(), yaml.CSafeLoader), indent=2, default=str).encode()
    seconds: dict[str, list[float]] = {"a.json": [], "a.yaml": []}
    for _ in range(scale.rounds):
        for name, measured in seconds.items():
            began = time.process_time()
            loaded = parse_content(Input(content, name))
            measured.append(time.process_time() - began)
            if len(loaded.documents) != 1:
                raise BenchmarkError(f"{name} was not read: {loaded.problems}")
    pairs = Pairs(tuple(seconds["a.json"]), tuple(seconds["a.yaml"]))
    subject = Subject("json", "parsing JSON v the same text as YAML")
    return [subject.at_most(_JSON_LIMIT, pairs.ratio, pairs.seconds("JSON", "YAML"))]
