"""Files to edit, in every layout: YAML, and now and then JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fuzz.layouts import BREAKS, Layout, chance, new_values
from fuzz.yaml_layouts import make_yaml

if TYPE_CHECKING:
    import random


def make(rng: random.Random) -> Layout:
    """Build a file."""
    return _json(rng) if chance(rng, 10) else make_yaml(rng)  # a tenth of the files is JSON


def _json(rng: random.Random) -> Layout:
    made = Layout(is_json=True)
    for number in range(11, 11 + rng.choice((1, 2, 3))):
        made.keys[f"key{number}"] = new_values(rng, number)
    keys = [{"name": name, **fields} for name, fields in made.keys.items()]
    indent = rng.choice((None, 0, 1, 2, 4, "\t"))
    mark = rng.choice(BREAKS)
    separators = rng.choice((None, (",", ":"), (", ", ": ")))
    document = {"project_id": 1, "region_id": 1, "keys": keys}
    text = json.dumps(document, indent=indent, separators=separators, ensure_ascii=chance(rng, 50))
    made.text = text.replace("\n", mark) + rng.choice(("", mark))
    return made
