"""DigitalOcean, Cloudflare, Linode and Gcore."""

from __future__ import annotations

from typing import Any

from tests.gallery.case import FLAG, TEXT, TEXT_OR_NONE, TEXTS, WHOLE_NUMBER, Case, write
from tests.gallery.server import TOKEN, Api, Pages, Row, Sent, Shape, body

DIGITALOCEAN: dict[str, Any] = {"limit": "per_page", "most": 200, "page": "page", "count": "meta.total"}
DEPLOY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeploy deploy@acme"
BACKUP = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBackup backup@acme"
SSH_KEYS = Case(
    "digitalocean/ssh-keys.yaml",
    Api(
        "/v2/account/keys",
        Pages(results="ssh_keys", around={"links": {}}, **DIGITALOCEAN),
        updates=body(name=TEXT),
        creates=body("public_key", "name", public_key=TEXT, name=TEXT),
        method="PUT",
        new={"fingerprint": "3b:16:bf"},
        item="ssh_key",
    ),
    live=[{"id": 512, "name": "deploy", "public_key": f"{DEPLOY}-old", "fingerprint": "3b:16:be"}],
    filler=lambda number: {"id": number, "name": f"key {number}", "public_key": f"ssh-rsa {number}"},
    fillers=201,
    sent=[
        write("POST", "/v2/account/keys", {"name": "backup", "public_key": BACKUP}),
        Sent("DELETE", "/v2/account/keys/512"),
        write("POST", "/v2/account/keys", {"name": "deploy", "public_key": DEPLOY}),
    ],
    drifted="deploy",
    drift={"public_key": "ssh-rsa changed", "id": 9999},
    corrected=[
        Sent("DELETE", "/v2/account/keys/9999"),
        write("POST", "/v2/account/keys", {"name": "deploy", "public_key": DEPLOY}),
    ],
    covers=["responses in an envelope", "replacement"],
)
DOMAINS = Case(
    "digitalocean/domains.yaml",
    Api(
        "/v2/domains",
        Pages(results="domains", around={"links": {}}, **DIGITALOCEAN),
        updates=None,
        creates=body("name", name=TEXT, ip_address=TEXT),
        path_id="name",
        new={"ttl": 1800, "zone_file": None},
        unique="name",
        item="domain",
    ),
    live=[
        {"name": "acme.example", "ttl": 1800, "zone_file": "$ORIGIN"},
        {"name": "old-acme.example", "ttl": 1800, "zone_file": "$ORIGIN"},
    ],
    filler=lambda number: {"name": f"acme-{number}.example", "ttl": 1800, "zone_file": "$ORIGIN"},
    fillers=201,
    sent=[
        write("POST", "/v2/domains", {"name": "acme-shop.example"}),
        Sent("DELETE", "/v2/domains/old-acme.example"),
    ],
    drifted="acme-shop.example",
    drift={"name": "renamed.example"},
    corrected=[write("POST", "/v2/domains", {"name": "acme-shop.example"})],
    covers=["nothing can be changed"],
)

ZONE = "/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records"
RECORD: Row = {"ttl": 1, "proxied": False, "comment": None, "tags": [], "proxiable": True, "meta": {}}
RECORD_FIELDS: dict[str, Shape] = {
    "name": TEXT,
    "type": TEXT,
    "content": TEXT,
    "ttl": WHOLE_NUMBER,
    "proxied": FLAG,
    "comment": TEXT_OR_NONE,
    "tags": TEXTS,
}
WWW = {"name": "www.acme.example", "type": "A", "content": "198.51.100.4"}
RECORDS = Case(
    "cloudflare/records.yaml",
    Api(
        ZONE,
        Pages(
            limit="per_page",
            page="page",
            results="result",
            count="result_info.total_count",
            around={"success": True, "errors": [], "messages": [], "result_info": {"page": 1}},
        ),
        updates=body("name", "type", "content", **RECORD_FIELDS),
        creates=body("name", "type", "content", **RECORD_FIELDS),
        ids=lambda number: f"{number:032x}",
        new=RECORD,
        item="result",
        created=(200, "item"),
        deleted=(200, {"result": {"id": "x"}}),
    ),
    live=[
        {**RECORD, "id": "f1", "name": "www.acme.example", "type": "A", "content": "198.51.100.9"},
        {**RECORD, "id": "f2", "name": "acme.example", "type": "A", "content": "198.51.100.4"},
        {**RECORD, "id": "f3", "name": "acme.example", "type": "A", "content": "198.51.100.5"},
    ],
    filler=lambda number: {
        **RECORD,
        "id": f"e{number}",
        "name": f"h{number}.acme.example",
        "type": "A",
        "content": "198.51.100.4",
    },
    sent=[
        write(
            "POST",
            ZONE,
            {"content": "status.example.net", "name": "status.acme.example", "ttl": 300, "type": "CNAME"},
        ),
        write("PATCH", f"{ZONE}/f1", {**WWW, "proxied": True, "tags": ["team:web"]}),
    ],
    drifted="www.acme.example",
    drift={"tags": ["team:web", "x:y"]},
    corrected=[write("PATCH", f"{ZONE}/f1", {**WWW, "tags": ["team:web"]})],
    covers=["responses in an envelope", "doubled names"],
)

SCOPES = "linodes:read_only"
EXPIRY = "2036-01-01T00:00:00"
TOKEN_FIELDS: dict[str, Shape] = {"label": TEXT, "scopes": TEXT, "expiry": TEXT_OR_NONE}


def without_zone(row: Row) -> Row:
    """Return a token as Linode shows it: times have no zone, and of the token itself little is seen."""
    expiry = row["expiry"]
    return {**row, "expiry": expiry and expiry.removesuffix("Z"), "token": row["token"][:16]}


LINODE_TOKEN = {"created": "2026-01-01T00:01:01", "token": "abcdefghijklmnop", "expiry": None}
TOKENS = Case(
    "linode/tokens.yaml",
    Api(
        "/v4/profile/tokens",
        Pages(
            limit="page_size",
            most=500,
            page="page",
            results="data",
            count="results",
            around={"page": 1, "pages": 2},
        ),
        updates=body(label=TEXT),
        creates=body(**TOKEN_FIELDS),
        method="PUT",
        new=LINODE_TOKEN,
        created=(200, "item"),
        deleted=(200, {}),
        shows=without_zone,
        lists=without_zone,
        secrets=lambda number: {"token": f"whole-linode-token-of-number-{number}"},
    ),
    live=[{**LINODE_TOKEN, "id": 5, "label": "ci", "scopes": SCOPES, "expiry": EXPIRY}],
    filler=lambda number: {**LINODE_TOKEN, "id": 10 + number, "label": f"token {number}", "scopes": "*"},
    fillers=501,
    sent=[
        write(
            "POST",
            "/v4/profile/tokens",
            {
                "expiry": f"{EXPIRY}Z",
                "label": "monitoring",
                "scopes": "linodes:read_only databases:read_only",
            },
        )
    ],
    identity="label",
    exported="- label: ",
    drifted="monitoring",
    drift={"label": "renamed"},
    corrected=[
        write(
            "POST",
            "/v4/profile/tokens",
            {
                "expiry": f"{EXPIRY}Z",
                "label": "monitoring",
                "scopes": "linodes:read_only databases:read_only",
            },
        )
    ],
    secrets=["whole-linode-token-of-number"],
    covers=["secrets of new keys", "only an expiry and scopes, which cannot be changed"],
)

NETWORKS = "/cloud/v1/networks/1/76"
NETWORK = {"type": "vxlan", "mtu": 1450, "external": False, "default": None, "subnets": []}


def pairs(row: Row) -> Row:
    """Return a network as Gcore shows it: its tags are a list, with one that is the service's own."""
    tags = {**row.get("tags", {}), "billing": "b-1"}.items()
    shown = [{"key": key, "value": value, "read_only": key == "billing"} for key, value in tags]
    return {**row, "tags": shown}


TAGS: Shape = {"type": ["object", "null"], "additionalProperties": TEXT_OR_NONE}
GCORE_NETWORKS = Case(
    "gcore/networks.yaml",
    Api(
        NETWORKS,
        Pages(limit="limit", most=1000, offset="offset", results="results", count="count"),
        updates=body(name=TEXT, tags=TAGS),
        creates=body("name", name=TEXT, tags=TAGS, type=TEXT, create_router=FLAG),
        ids=lambda number: f"00000000-0000-4000-8000-{number:012d}",
        items={"PATCH": "/cloud/v2/networks/1/76/"},
        new=NETWORK,
        merged=["tags"],
        created=(200, "tasks"),
        updated=(200, "tasks"),
        deleted=(200, {"tasks": ["d478ae29-dedc-4869-82f0-96104425f565"]}),
        shows=pairs,
        lists=pairs,
    ),
    live=[{**NETWORK, "id": "n-1", "name": "backend", "tags": {"team": "web", "owner": "joe"}}],
    filler=lambda number: {**NETWORK, "id": f"m-{number}", "name": f"net {number}", "tags": {"n": "1"}},
    fillers=1000,
    sent=[
        write("PATCH", "/cloud/v2/networks/1/76/n-1", {"tags": {"tier": "1", "owner": None}}),
        write("POST", NETWORKS, {"name": "storage", "tags": {"team": "data"}, "type": "vxlan"}),
    ],
    drifted="backend",
    drift={"tags": {"team": "web"}},
    corrected=[write("PATCH", "/cloud/v2/networks/1/76/n-1", {"tags": {"tier": "1"}})],
    auth={"Authorization": f"apikey {TOKEN}"},
    covers=["tasks", "items elsewhere", "maps shown as pairs", "maps that are merged"],
)

MAPPINGS = "/dns/v2/network-mappings"
MAPPING: Shape = {
    "type": "array",
    "items": body(cidr4=TEXTS, cidr6=TEXTS, tags=TEXTS),
}
OFFICES = {"tags": ["office"], "cidr4": ["192.0.2.0/24", "198.51.100.0/24"]}
PARTNERS = {"tags": ["partner"], "cidr6": ["2001:db8::/32"]}
GCORE_MAPPINGS = Case(
    "gcore/network-mappings.yaml",
    Api(
        MAPPINGS,
        Pages(limit="limit", offset="offset", results="network_mappings", count="total_amount"),
        updates=body(id=WHOLE_NUMBER, name=TEXT, mapping=MAPPING),
        creates=body(name=TEXT, mapping=MAPPING),
        method="PUT",
        is_whole=True,
        created=(200, "id"),
        updated=(200, "object"),
        deleted=(200, {}),
    ),
    live=[{"id": 3, "name": "offices", "mapping": [{"tags": ["office"], "cidr4": ["192.0.2.0/24"]}]}],
    filler=lambda number: {"id": 10 + number, "name": f"mapping {number}", "mapping": []},
    sent=[
        write("PUT", f"{MAPPINGS}/3", {"name": "offices", "mapping": [OFFICES]}),
        write("POST", MAPPINGS, {"name": "partners", "mapping": [PARTNERS]}),
    ],
    drifted="partners",
    drift={"mapping": []},
    corrected=[write("PUT", f"{MAPPINGS}/1103", {"name": "partners", "mapping": [PARTNERS]})],
    auth={"Authorization": f"apikey {TOKEN}"},
    covers=["PUT of the whole", "a creation that shows an id alone"],
)

RULES = "/waap/v1/domains/7/firewall-rules"
RULE_FIELDS: dict[str, Shape] = {
    "name": TEXT,
    "description": TEXT,
    "enabled": FLAG,
    "action": {"type": "object"},
    "conditions": {"type": "array", "minItems": 1},
}
SCANNER = {"ip": {"ip_address": "192.0.2.7"}}
OFFICE = {"ip_range": {"lower_bound": "198.51.100.1", "upper_bound": "198.51.100.9"}}


def spelt_out(row: Row) -> Row:
    """Return a rule with null for what it lacks, and its conditions with what they mean."""
    conditions = [
        {"ip": None, "ip_range": None, **{name: {"negation": False, **what} for name, what in one.items()}}
        for one in row["conditions"]
    ]
    return {**row, "action": {"allow": None, "block": None, **row["action"]}, "conditions": conditions}


GCORE_RULES = Case(
    "gcore/firewall-rules.yaml",
    Api(
        RULES,
        Pages(
            limit="limit",
            offset="offset",
            results="results",
            count="count",
            around={"limit": 100, "offset": 0},
        ),
        updates=body(**RULE_FIELDS),
        creates=body("name", "enabled", "action", "conditions", **RULE_FIELDS),
        new={"description": ""},
        updated=(204, "nothing"),
    ),
    live=[
        {
            "id": 31,
            "name": "Block scanners",
            "description": "",
            "enabled": False,
            "action": {"block": {"status_code": 403}},
            "conditions": [SCANNER],
        }
    ],
    filler=lambda number: {
        "id": 100 + number,
        "name": f"Rule {number}",
        "enabled": True,
        "action": {"allow": {}},
        "conditions": [OFFICE],
    },
    sent=[
        write("PATCH", f"{RULES}/31", {"enabled": True}),
        write(
            "POST",
            RULES,
            {"action": {"allow": {}}, "conditions": [OFFICE], "enabled": True, "name": "Allow offices"},
        ),
    ],
    drifted="Block scanners",
    drift={"action": {"allow": {}}, "conditions": [OFFICE]},
    corrected=[
        write(
            "PATCH",
            f"{RULES}/31",
            {"action": {"allow": None, "block": {"status_code": 403}}, "conditions": [SCANNER]},
        )
    ],
    auth={"Authorization": f"apikey {TOKEN}"},
    covers=["offsets with a count", "objects in lists", "objects of alternatives"],
)

GROUPS = "/cdn/origin_groups"
GROUP = {"use_next": True, "proxy_next_upstream": ["error", "timeout"], "has_related_resources": False}
SOURCE: Shape = body("source", source=TEXT, backup=FLAG, enabled=FLAG, host_header_override=TEXT_OR_NONE)
GROUP_FIELDS: dict[str, Shape] = {
    "name": TEXT,
    "use_next": FLAG,
    "proxy_next_upstream": TEXTS,
    "sources": {"type": "array", "items": SOURCE},
}
SHOP = [
    {"source": "origin-1.acme.example", "backup": False, "enabled": True},
    {"source": "origin-2.acme.example", "backup": True, "enabled": True},
]
BLOG = [{"source": "blog.acme.example", "backup": False, "enabled": True}]
GCORE_GROUPS = Case(
    "gcore/origin-groups.yaml",
    Api(
        GROUPS,
        Pages(
            limit="limit",
            most=1000,
            offset="offset",
            results="results",
            count="count",
            around={"next": None, "previous": None},
        ),
        updates=body("name", **GROUP_FIELDS),
        creates=body("name", "use_next", "sources", **GROUP_FIELDS),
        new=GROUP,
    ),
    live=[{**GROUP, "id": 41, "name": "shop", "sources": SHOP[:1]}],
    filler=lambda number: {**GROUP, "id": 100 + number, "name": f"group {number}", "sources": BLOG},
    fillers=1000,
    sent=[
        write("PATCH", f"{GROUPS}/41", {"name": "shop", "sources": SHOP}),
        write("POST", GROUPS, {"name": "blog", "sources": BLOG, "use_next": False}),
    ],
    drifted="blog",
    drift={"use_next": True},
    corrected=[write("PATCH", f"{GROUPS}/2002", {"name": "blog", "use_next": False})],
    auth={"Authorization": f"apikey {TOKEN}"},
    covers=["a name in every update"],
)

CASES = (
    SSH_KEYS,
    DOMAINS,
    RECORDS,
    TOKENS,
    GCORE_NETWORKS,
    GCORE_MAPPINGS,
    GCORE_RULES,
    GCORE_GROUPS,
)
