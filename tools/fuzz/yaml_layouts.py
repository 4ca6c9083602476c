"""Files of YAML in every layout, with comments that say where they were put."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fuzz.layouts import BREAKS, Layout, chance, new_values

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

_WORDS: Final = ("old", "it''s", "a - b", "x {y", "no", "on # hold", "2036", "漢字 😀", "d - dash", "q: z")
_NOTES: Final = (
    "",
    " - dash",
    " 'quote",
    ' "double',
    " [x",
    " {a: b}",
    " # more",
    " é 漢",
    ": x",
    " | >",
    " &a *b !c",
)


def make_yaml(rng: random.Random) -> Layout:
    """Build a file of YAML."""
    writer = _Writer(rng)
    if chance(rng, 5):  # now and then a byte order mark
        writer.put("\ufeff")
    for region in range(1, rng.choice((1, 1, 2)) + 1):
        writer.document(region)
    made = writer.made
    made.text = "".join(writer.pieces)
    if chance(rng, 20):  # a fifth of the files lacks the last line break
        made.text = (
            made.text.rstrip("\r\n") if not made.text.rstrip("\r\n").endswith(("|", "|+", ">")) else made.text
        )
        made.ends = {region: min(end, len(made.text)) for region, end in made.ends.items()}
        made.places = {name: (start, min(end, len(made.text))) for name, (start, end) in made.places.items()}
    return made


class _Writer:
    """Writes documents; what it wrote so far is in ``pieces``."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.made = Layout()
        self.pieces: list[str] = []
        self.size = 0
        self.marks = rng.choice((*((mark,) for mark in BREAKS), BREAKS))
        self.base = ""
        self.is_open = False
        self.boxes: list[dict[str, str]] = []
        self.density = rng.choice((0.0, 0.1, 0.3, 0.6))

    def line(self, text: str) -> None:
        self.is_open = False
        mark = self.rng.choice(self.marks)
        for part in text.split("\n"):
            self.put(part + mark)

    def put(self, piece: str) -> None:
        self.pieces.append(piece)
        self.size += len(piece)

    def note(self, how: str, owner: str) -> str:
        number = len(self.made.remarks) + 1
        self.made.remarks[number] = (how, owner)
        return f"#r{number};{self.rng.choice(_NOTES)}"

    def behind(self, how: str, owner: str) -> str:
        if self.rng.random() >= self.density:
            return ""
        gaps = (" ", "  ", "      ") if how == "dash" else (" ", "  ", "\t", "      ")
        return self.rng.choice(gaps) + self.note(how, owner)

    def alone(self, column: int, how: str, owner: str) -> None:
        while self.rng.random() < self.density / 2:
            if not self.is_open and chance(self.rng, 20):  # now and then an empty line
                self.line(self.rng.choice(("", "  ")))
            self.line(" " * column + self.note(how, owner))

    def document(self, region: int) -> None:
        rng = self.rng
        self.base, self.boxes = "", []
        if region > 1 or chance(rng, 20):
            if region > 1 and chance(rng, 20):
                self.line("...")
            if region == 1 and chance(rng, 30):
                self.line("%YAML 1.2" + self.behind("dash", "directive"))
            self.line("---" + self.behind("dash", f"document{region}"))
        self.alone(0, "above", f"document{region}")
        self.line("project_id: 1" + self.behind("behind field", "project_id"))
        self.line(f"region_id: {region}" + self.behind("behind field", "region_id"))
        self.alone(0, "above", "keys")
        self.line("keys:" + self.behind("behind field", "keys"))
        column, offset = rng.choice((0, 2, 2, 4)), rng.choice((2, 2, 3, 4))
        for number in range(region * 10 + 1, region * 10 + 1 + rng.choice((1, 2, 3))):
            self.key(f"key{number}", number, column, offset)
        self.made.ends[region] = self.size
        self.alone(column, "end", "keys")
        if column:
            self.alone(0, "end", f"document{region}")

    def key(self, name: str, number: int, column: int, offset: int) -> None:
        rng = self.rng
        values = new_values(rng, number)
        kept = {field: values[field] for field in values if chance(rng, 80)}
        self.made.keys[name] = kept
        self.alone(column, "above", name)
        if chance(rng, 15):  # a key between brackets
            inside = [f"name: {name}", *(f"{field}: {_flow(value)}" for field, value in kept.items())]
            begin = self.size
            self.line(
                " " * column
                + "- {"
                + ", ".join(rng.sample(inside, len(inside)))
                + "}"
                + self.behind("behind key", name)
            )
            for field in kept:
                self.made.places[name, field] = (begin, self.size)
            return
        order = rng.sample(["name", *kept], len(kept) + 1)
        pad = " " * (column + offset)
        first = True
        dash = " " * column + "-" + " " * (offset - 1)
        self.base, base = "", self.base
        if chance(rng, 25):  # the dash alone on its line, perhaps with an anchor
            self.base = rng.choice(("", "", name))
            anchor = f" &m-{name}" if self.base else ""
            self.line(" " * column + "-" + anchor + self.behind("dash", name))
            first = False
            if base and chance(rng, 70):
                self.line(f"{pad}<<: *m-{base}")
                self.made.shared |= {name, base}
        for field in order:
            if not first:
                self.alone(column + offset, "above", field)
            begin = self.size
            front, first = (dash if first else pad), False
            if field == "name":
                self.line(f"{front}name: {name}" + self.behind("behind key", name))
            else:
                getattr(self, f"_{field}")(front, column + offset, name, kept)
                self.made.places[name, field] = (begin, self.size)
        if order[-1] != "containers" and order[-1] != "description":
            self.alone(column + offset, "below", name)

    def quoted(self, name: str) -> str:
        return f'"{name}"' if chance(self.rng, 10) else name

    def _description(self, front: str, column: int, name: str, _kept: dict[str, Any]) -> None:
        rng, pad = self.rng, " " * (column + 2)
        note = self.behind("behind field", "description")
        word = rng.choice(_WORDS)
        plain = word.replace(" #", " =").replace(": ", "= ").replace("''", "").replace("2036", "y2036")
        first = f" {note.strip(' ')}" if note else ""
        text = rng.choice(
            (
                f"{plain}{note}",
                f"'{word}'{note}",
                f'"{word}"{note}',
                f'"{word}\n{pad}# no comment"{note}',
                f"{plain}\n{pad}more{note}",
                f"{rng.choice(('|', '|-', '|+'))}{note}\n{pad}{word}\n{pad}# no comment",
                f">-{note}\n{pad}{word}\n{pad}more",
                f"{first}\n{pad}{plain}",
                f"!!str {plain}{note}",
                f"&an{name} {plain}{note}",
                f"&an{name} !!str {plain}{note}",
            )
        )
        self.line(f"{front}{self.quoted('description')}: {text}")
        self.is_open = text.startswith("|+")  # an empty line behind it would belong to it

    def _expire(self, front: str, _column: int, _name: str, kept: dict[str, Any]) -> None:
        instant = "2036-07-31T00:00:00Z"
        spelled = self.rng.choice(
            ("null", "~", "", instant, f"'{instant}'", f'"{instant}"', f"!!str {instant}")
        )
        kept["expire"] = instant if instant in spelled else None
        self.line(
            f"{front}{self.quoted('expire')}: {spelled}".rstrip() + self.behind("behind field", "expire")
        )

    def _is_disabled(self, front: str, column: int, _name: str, kept: dict[str, Any]) -> None:
        kept["is_disabled"] = chance(self.rng, 50)
        gap = self.rng.choice((" ", "   ", f"\n{' ' * (column + 2)}"))
        self.line(
            f"{front}is_disabled:{gap}{json.dumps(kept['is_disabled'])}"
            + self.behind("behind field", "is_disabled")
        )

    def _containers(self, front: str, column: int, name: str, kept: dict[str, Any]) -> None:
        boxes, rng = kept["containers"], self.rng
        if self.boxes and chance(rng, 50):
            boxes.append(self.boxes[-1])
            self.made.shared |= set(self.made.keys)
        anchor = rng.choice(("", "", "", f" &list{name}"))
        styles: Sequence[Callable[[str, int, Sequence[Any]], None]] = (
            self._inline,
            self._brackets,
            self._lines,
            self._lines,
        )
        if not boxes:
            self.line(f"{front}containers:{anchor} []" + self.behind("behind field", "containers"))
        else:
            rng.choice(styles)(f"{front}containers:{anchor}", column, boxes)

    def _inline(self, front: str, _column: int, boxes: Sequence[Any]) -> None:
        self.line(f"{front} {_flow(boxes)}" + self.behind("behind field", "containers"))

    def _brackets(self, front: str, column: int, boxes: Sequence[Any]) -> None:
        pad = " " * (column + self.rng.choice((2, 4)))
        self.line(f"{front} [" + self.behind("opening", "containers"))
        for index, box in enumerate(boxes):
            self.alone(len(pad), "above", box["name"])
            comma = "," if index < len(boxes) - 1 or chance(self.rng, 30) else ""
            if chance(self.rng, 30):  # a mapping over two lines
                one, two = (f"{name}: {value}" for name, value in box.items())
                self.line(f"{pad}{{{one}," + self.behind("inside", box["name"]))
                self.line(f"{pad} {two}}}{comma}" + self.behind("behind item", box["name"]))
            else:
                self.line(f"{pad}{_flow(box)}{comma}" + self.behind("behind item", box["name"]))
        self.alone(len(pad), "end", "containers")
        self.line(" " * (column + 1) + "]" + self.behind("behind field", "containers"))

    def _lines(self, front: str, column: int, boxes: Sequence[Any]) -> None:
        rng = self.rng
        deep = column + rng.choice((0, 2, 2, 4))
        self.line(front + self.behind("behind field", "containers"))
        is_block, gap = chance(rng, 60), rng.choice((1, 1, 2, 3))
        for box in boxes:
            self.alone(deep, "above", box["name"])
            pad, inner = " " * deep, " " * (deep + 1 + gap)
            if not is_block and box not in self.boxes and chance(rng, 10):
                self.line(f"{pad}- &a-{box['name']} {_flow(box)}" + self.behind("behind item", box["name"]))
                self.boxes.append(box)
            elif box in self.boxes:
                self.line(f"{pad}- *a-{box['name']}" + self.behind("behind item", box["name"]))
            elif not is_block:
                self.line(f"{pad}-{' ' * gap}{_flow(box)}" + self.behind("behind item", box["name"]))
            else:
                (one, two), (three, four) = rng.sample(list(box.items()), 2)
                if chance(rng, 20):  # the dash alone on its line
                    self.line(f"{pad}-" + self.behind("dash", box["name"]))
                    self.line(f"{inner}{one}: {two}" + self.behind("behind item", box["name"]))
                else:
                    self.line(f"{pad}-{' ' * gap}{one}: {two}" + self.behind("behind item", box["name"]))
                self.alone(len(inner), "inside", box["name"])
                self.line(f"{inner}{three}: {four}" + self.behind("behind item", box["name"]))
            self.alone(len(inner) + rng.choice((0, 0, 1, 3)), "below", box["name"])
        self.alone(deep, "end", "containers")


def _flow(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_flow(item)}' for name, item in value.items())}}}"
    return value if isinstance(value, str) else json.dumps(value)
