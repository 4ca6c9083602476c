"""The process that reads inputs: ``python -m fuzz.worker SEED FIRST COUNT SECONDS MIB MARK``.

Its output is one line of JSON. ``MARK`` is a file with the number of the current input, so that
the watching process knows which one hangs.
"""

from __future__ import annotations

import dataclasses
import json
import mmap
import resource
import sys
from pathlib import Path
from typing import Final

from fuzz.reading import read_many

_MOST_BYTES: Final = 4 * 1024**3
"""Address space after which allocation fails, so that a blow-up spares the machine."""


def main(words: list[str]) -> None:
    """Read the inputs, and print their results."""
    seed, first, count = map(int, words[:3])
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    with Path(words[5]).open("r+b") as file, mmap.mmap(file.fileno(), 8) as mapped:
        mark = memoryview(mapped)
        tally = read_many(seed, first, count, (float(words[3]), float(words[4])), mark)
        mark.release()
    print(json.dumps(dataclasses.asdict(tally)))


if __name__ == "__main__":
    main(sys.argv[1:])
