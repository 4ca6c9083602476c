"""Datadog, OpenAI, Stripe, Keycloak and Zendesk."""

from __future__ import annotations

from tests.gallery.case import FLAG, TEXT, TEXT_OR_NONE, TEXTS, WHOLE_NUMBER, Case, write
from tests.gallery.server import ACCESS_TOKEN, BASIC, FORM, SECOND_TOKEN, TOKEN, Api, Pages, Row, Shape, body

API_KEYS = "/api/v2/api_keys"
API_KEY = {"created_at": "2026-01-01T00:00:00.000Z", "last4": "abcd", "remote_config_read_enabled": True}
API_KEY_FIELDS: dict[str, Shape] = {"name": TEXT, "category": TEXT, "remote_config_read_enabled": FLAG}


def data(path_id: str | None, **attributes: object) -> object:
    """Return a body of JSON:API."""
    known = {} if path_id is None else {"id": path_id}
    return {"data": {"type": "api_keys", **known, "attributes": attributes}}


DATADOG = Case(
    "datadog/api-keys.yaml",
    Api(
        API_KEYS,
        Pages(
            limit="page[size]",
            page="page[number]",
            first=0,
            results="data",
            count="meta.page.total_filtered_count",
        ),
        updates=body("name", **API_KEY_FIELDS),
        creates=body("name", **API_KEY_FIELDS),
        ids=lambda number: f"{number:08x}-0000-4000-8000-000000000000",
        new=API_KEY,
        api_type="api_keys",
        item="data",
        secrets=lambda number: {"key": f"whole-datadog-key-of-number-{number}"},
    ),
    live=[{**API_KEY, "id": "k-1", "name": "agents", "category": "other"}],
    filler=lambda number: {**API_KEY, "id": f"j-{number}", "name": f"key {number}"},
    sent=[
        write("PATCH", f"{API_KEYS}/k-1", data("k-1", category="agent", name="agents")),
        write("POST", API_KEYS, data(None, name="ci", remote_config_read_enabled=False)),
    ],
    drifted="agents",
    drift={"remote_config_read_enabled": False},
    corrected=[
        write("PATCH", f"{API_KEYS}/k-1", data("k-1", name="agents", remote_config_read_enabled=True))
    ],
    secrets=["whole-datadog-key-of-number"],
    auth={"DD-API-KEY": TOKEN, "DD-APPLICATION-KEY": SECOND_TOKEN},
    covers=["JSON:API", "two headers with keys", "pages from 0", "a name in every update"],
)

PROJECTS = "/v1/organization/projects"
PROJECT = {
    "object": "organization.project",
    "status": "active",
    "external_key_id": None,
    "residency": "GLOBAL",
}
OPENAI = Case(
    "openai/projects.yaml",
    Api(
        PROJECTS,
        Pages(limit="limit", cursor="after", results="data", more="has_more", around={"object": "list"}),
        updates=body(name=TEXT_OR_NONE, external_key_id=TEXT_OR_NONE),
        creates=body("name", name=TEXT, external_key_id=TEXT_OR_NONE, residency=TEXT_OR_NONE),
        method="POST",
        ids=lambda number: f"proj_{number}",
        new=PROJECT,
        created=(200, "item"),
        deleted=None,
    ),
    live=[{**PROJECT, "id": "proj_a", "name": "search"}],
    filler=lambda number: {**PROJECT, "id": f"proj_b{number}", "name": f"project {number}"},
    sent=[
        write("POST", f"{PROJECTS}/proj_a", {"external_key_id": "key_1"}),
        write("POST", PROJECTS, {"name": "support", "residency": "EU_STORAGE_PROCESSING"}),
    ],
    drifted="search",
    drift={"external_key_id": None},
    corrected=[write("POST", f"{PROJECTS}/proj_a", {"external_key_id": "key_1"})],
    covers=["cursor: the last row", "POST as an update"],
)

ENDPOINTS = "/v1/webhook_endpoints"
ENDPOINT = {"object": "webhook_endpoint", "livemode": False, "status": "enabled", "description": None}
METADATA: Shape = {"type": "object", "additionalProperties": TEXT}
STRIPE = Case(
    "stripe/webhooks.yaml",
    Api(
        ENDPOINTS,
        Pages(
            limit="limit",
            cursor="starting_after",
            results="data",
            more="has_more",
            around={"object": "list", "url": ENDPOINTS},
        ),
        updates=body(description=TEXT, disabled=FLAG, enabled_events=TEXTS, metadata=METADATA, url=TEXT),
        creates=body(
            "url", "enabled_events", description=TEXT, enabled_events=TEXTS, metadata=METADATA, url=TEXT
        ),
        method="POST",
        ids=lambda number: f"we_{number}",
        new={**ENDPOINT, "metadata": {}},
        encoding=FORM,
        merged=["metadata"],
        created=(200, "item"),
        deleted=(200, {"deleted": True}),
        secrets=lambda number: {"secret": f"whole-stripe-secret-of-number-{number}"},
    ),
    live=[
        {
            **ENDPOINT,
            "id": "we_a",
            "url": "https://shop.acme.example/hooks",
            "description": "Orders",
            "enabled_events": ["charge.failed"],
            "metadata": {"team": "shop", "owner": "joe"},
        }
    ],
    filler=lambda number: {
        **ENDPOINT,
        "id": f"we_b{number}",
        "url": f"https://h{number}.acme.example/",
        "enabled_events": ["*"],
        "metadata": {},
    },
    sent=[
        write(
            "POST",
            f"{ENDPOINTS}/we_a",
            "enabled_events%5B%5D=charge.failed&enabled_events%5B%5D=charge.succeeded&metadata%5Bowner%5D=",
            FORM,
        ),
        write(
            "POST", ENDPOINTS, "enabled_events%5B%5D=%2A&url=https%3A%2F%2Fbooks.acme.example%2Fhooks", FORM
        ),
    ],
    identity="url",
    exported="- url: ",
    drifted="https://shop.acme.example/hooks",
    drift={"description": "Changed"},
    corrected=[write("POST", f"{ENDPOINTS}/we_a", "description=Orders", FORM)],
    secrets=["whole-stripe-secret-of-number"],
    covers=["forms", "maps that are merged", "secrets of new keys"],
)

CLIENTS = "/admin/realms/shop/clients"
CLIENT: Row = {
    "enabled": True,
    "redirectUris": [],
    "webOrigins": [],
    "publicClient": False,
    "standardFlowEnabled": True,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "serviceAccountsEnabled": False,
    "bearerOnly": False,
    "consentRequired": False,
    "frontchannelLogout": False,
    "fullScopeAllowed": True,
    "surrogateAuthRequired": False,
    "alwaysDisplayInConsole": False,
    "protocol": "openid-connect",
    "clientAuthenticatorType": "client-secret",
    "notBefore": 0,
    "nodeReRegistrationTimeout": -1,
    "defaultClientScopes": ["email", "profile"],
    "optionalClientScopes": ["phone"],
}
SHOWN = {
    **CLIENT,
    "attributes": {"realm_client": "false"},
    "authenticationFlowBindingOverrides": {},
    "secret": "s3cr3t-of-the-client",
    "access": {"view": True, "configure": True, "manage": True},
}
MAP: Shape = {"type": "object", "additionalProperties": TEXT}
TYPES: dict[type, Shape] = {bool: FLAG, list: TEXTS, str: TEXT, int: WHOLE_NUMBER}
CLIENT_FIELDS: dict[str, Shape] = {
    "clientId": TEXT,
    **dict.fromkeys(("name", "description", "rootUrl", "baseUrl", "adminUrl"), TEXT),
    **{name: TYPES[type(value)] for name, value in CLIENT.items()},
    "attributes": MAP,
    "authenticationFlowBindingOverrides": MAP,
}
ATTRIBUTES = {"attributes": {"realm_client": "false"}, "authenticationFlowBindingOverrides": {}}
URIS = ["https://shop.acme.example/*"]
KEYCLOAK = Case(
    "keycloak/clients.yaml",
    Api(
        CLIENTS,
        Pages(limit="max", offset="first"),
        updates=body("clientId", **CLIENT_FIELDS),
        creates=body("clientId", **CLIENT_FIELDS),
        method="PUT",
        ids=lambda number: f"00000000-0000-4000-8000-{number:012d}",
        new=SHOWN,
        is_whole=True,
        unique="clientId",
        login="/realms/master/protocol/openid-connect/token",
        created=(200, "nothing"),
        updated=(200, "nothing"),
    ),
    live=[{**SHOWN, "id": "c-1", "clientId": "shop", "name": "Web shop", "attributes": {"a": "b"}}],
    filler=lambda number: {**SHOWN, "id": f"d-{number}", "clientId": f"client {number}"},
    sent=[
        write(
            "PUT",
            f"{CLIENTS}/c-1",
            {
                **CLIENT,
                **ATTRIBUTES,
                "clientId": "shop",
                "name": "Web shop",
                "attributes": {"a": "b"},
                "publicClient": True,
                "redirectUris": URIS,
            },
        ),
        write(
            "POST",
            CLIENTS,
            {
                "clientId": "reports",
                "name": "Reports",
                "serviceAccountsEnabled": True,
                "standardFlowEnabled": False,
            },
        ),
    ],
    identity="clientId",
    exported="- clientId: ",
    drifted="reports",
    drift={"standardFlowEnabled": True},
    corrected=[
        write(
            "PUT",
            f"{CLIENTS}/00000000-0000-4000-8000-000000001103",
            {
                **CLIENT,
                **ATTRIBUTES,
                "clientId": "reports",
                "name": "Reports",
                "serviceAccountsEnabled": True,
                "standardFlowEnabled": False,
            },
        )
    ],
    auth={"Authorization": f"Bearer {ACCESS_TOKEN}"},
    listed_secrets=["s3cr3t-of-the-client"],
    covers=["PUT of the whole", "offsets without a count", "an id in no response"],
)

ZENDESK_GROUP = {"url": "x", "default": False, "deleted": False, "description": "", "is_public": True}
GROUP_FIELDS: dict[str, Shape] = {"name": TEXT, "description": TEXT, "is_public": FLAG}
ZENDESK = Case(
    "zendesk/groups.yaml",
    Api(
        "/api/v2/groups",
        Pages(
            limit="per_page",
            page="page",
            results="groups",
            count="count",
            around={"next_page": None, "previous_page": None},
        ),
        updates=body(**GROUP_FIELDS),
        creates=body("name", **GROUP_FIELDS),
        method="PUT",
        new=ZENDESK_GROUP,
        item="group",
        wrapped="group",
    ),
    live=[{**ZENDESK_GROUP, "id": 9, "name": "First line"}],
    filler=lambda number: {**ZENDESK_GROUP, "id": 100 + number, "name": f"Group {number}"},
    sent=[
        write("PUT", "/api/v2/groups/9", {"group": {"description": "Answers first"}}),
        write("POST", "/api/v2/groups", {"group": {"is_public": True, "name": "Escalations"}}),
    ],
    drifted="First line",
    drift={"description": ""},
    corrected=[write("PUT", "/api/v2/groups/9", {"group": {"description": "Answers first"}})],
    auth={"Authorization": BASIC},
    covers=["bodies in an envelope"],
)

CASES = (DATADOG, OPENAI, STRIPE, KEYCLOAK, ZENDESK)
