"""Files to begin with: valid ones, broken ones, and the pieces that mutations insert."""

from __future__ import annotations

from typing import Final

_HEAD: Final = "project_id: 1\nregion_id: 76\n"

_EXAMPLE: Final = """\
# the keys of one project and region
kind: caas
project_id: 1
region_id: 76
keys:
  - name: storefront
    description: Storefront containers, owned by team web
    expire: 2036-07-31T00:00:00Z
    is_disabled: false
    containers:
      - {name: web, namespace: shop}
      - {name: search, namespace: shop}
  - name: partner-acme        # contract ended: the key stays, switched off
    is_disabled: true
  - name: status-page
    expire: null              # never expires
    containers:
      - {name: status, namespace: public}
"""

_ANCHORS: Final = """\
project_id: 1
region_id: 76
keys:
  - &base
    name: first
    description: &text "a text"
    containers: &boxes
      - {name: web, namespace: shop}
  - <<: *base
    name: second
  - <<: [*base, {is_disabled: true}]
    name: third
    description: *text
    containers: *boxes
"""

_UNICODE: Final = """\
project_id: 1
region_id: 76
keys:
  - name: unicode
    description: "Ключ \u2013 鍵 🔑 \\u202e \\x1b[31m \\0 e\u0301 \u200b"
  - name: escapes
    description: "\\U0001f511 \\N \\_ \\L \\P \\e"
"""

_BLOCKS: Final = """\
project_id: 1
region_id: 76
keys:
  - name: blocks
    description: |
      one line
        and another

  - name: folded
    description: >-
      folded
      text
  - name: indented
    description: |2+
        kept

"""

_DOCUMENTS: Final = """\
%YAML 1.2
---
project_id: 1
region_id: 76
keys: []
...
---
project_id: 1
region_id: 77
keys:
  - name: past
    expire: 2020-01-01T00:00:00+02:00
---
# nothing
---
{"project_id": 2, "region_id": 1, "keys": [{"name": "json-in-yaml"}]}
"""

_JSON: Final = (
    '{"kind": "caas", "project_id": 1, "region_id": 76, "keys": [{"name": "json", "description": "\\u00e9",'
    ' "expire": "2036-01-01T00:00:00.5+05:30", "containers": [{"name": "web", "namespace": "shop"}]}]}'
)

_VIOLATIONS: Final = """\
kind: cars
project_id: 0
region_id: 1e2
colour: blue
keys:
  - name: X
    description: 5
    expire: yesterday
    is_disabled: maybe
    containers: {name: web}
    secret: abc
  - 17
  - nme: typo
  - name: twice
    containers: [{name: web, namespace: shop}, {name: web, namespace: shop}, {name: 1}, []]
  - name: twice
"""

_DEEP: Final = _HEAD + "keys: [{name: deep, containers: " + "[" * 50 + "]" * 50 + "}]\n"
_COMPLEX: Final = _HEAD + "? [a, b]\n: c\nkeys:\n- ? name\n  : complex\n- !!str tagged: !!map {}\n"
_STYLES: Final = "'project_id': 1\n\"region_id\": 76\r\nkeys:\r- name: 'it''s'\u2028- {name: a,}\n- [ ]\n"
_BROKEN: Final = (
    "keys: [\n",
    "keys:\n\t- name: tab\n",
    "keys:\n- name: a\n name: b\n",
    'keys: "open',
    "keys: *nobody\n",
    "keys: &a [*a]\n",
    "a: 1\na: 2\nkeys: []\n",
    "<<: {keys: []}\n<<: {keys: []}\n",
    "%TAG ! tag:x,2000:\n---\n!foo bar\n",
    "!!python/object:os.system {}\n",
    "just text",
    "",
    "---\n---\n",
    "null\n",
    "[]",
    "keys:\n",
    "1: 2\nkeys: null\nproject_id: 99999999999999999999999\n",
)

VALID: Final = tuple(text.encode() for text in (_EXAMPLE, _ANCHORS, _UNICODE, _BLOCKS, _DOCUMENTS, _JSON))
TEXTS: Final = (
    *VALID,
    *(text.encode() for text in (_VIOLATIONS, _DEEP, _COMPLEX, _STYLES, *_BROKEN)),
)

_TEXT_TOKENS: Final = (
    *("&a ", "*a", "*a ", "<<: *a\n", "? ", ": ", "- ", "-", "[", "]", "{", "}", "!", "!!str ", "!!int "),
    *("!<x>", "%YAML 1.1\n", "%TAG ! !\n", "@", "`", "\t", "\x00", "\ufeff", "\n", "\r\n", "\r", "\x85"),
    *("\u2028", "#", " #", "|\n", ">-\n", "|9\n", "'", '"', '"\\u', '"\\x0"', "---\n", "...\n", "~", ","),
    *("null", "true", "no", "010", "0x1F", "1e999", "-0", ".inf", ".nan", "12:30:00", "2020-01-01", "=="),
    *(
        "\x1b[2J",
        "\u202e",
        "\ud7ff",
        "\ufffe",
        "\uffff",
        "\U0001f511",
        "e\u0301",
        "9" * 30,
        "1_000",
        "\x7f",
    ),
    *("name: ", "keys:\n", "expire: ", "containers: ", "secret: x\n", "project_id: 1\n", "kind: caas\n"),
)
TOKENS: Final = (
    *(token.encode() for token in _TEXT_TOKENS),
    *(b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"),
)
