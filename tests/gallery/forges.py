"""GitHub, Gitea and Sentry."""

from __future__ import annotations

from tests.gallery.case import FLAG, TEXT, TEXT_OR_NONE, TEXTS, WHOLE_NUMBER, Case, write
from tests.gallery.server import TOKEN, Api, Pages, Row, Shape, body

GITHUB = {"X-GitHub-Api-Version": "2022-11-28"}
NUMBERED = Pages(limit="per_page", page="page", link="next")
REPOSITORY = "/repos/acme/site"

LABELS = Case(
    "github/labels.yaml",
    Api(
        f"{REPOSITORY}/labels",
        NUMBERED,
        updates=body(new_name=TEXT, color=TEXT, description=TEXT),
        creates=body("name", name=TEXT, color=TEXT, description=TEXT),
        path_id="name",
        new={"id": 1, "node_id": "x", "url": "x", "default": False, "color": "ededed", "description": None},
        unique="name",
        headers=GITHUB,
    ),
    live=[{"id": 1, "name": "kind/bug", "color": "ededed", "description": None, "default": False}],
    filler=lambda number: {"id": number, "name": f"area/{number}", "color": "ededed", "description": None},
    sent=[
        write("POST", f"{REPOSITORY}/labels", {"color": "7057ff", "name": "good first issue"}),
        write(
            "PATCH",
            f"{REPOSITORY}/labels/kind%2Fbug",
            {"color": "d73a4a", "description": "Something isn't working"},
        ),
    ],
    drifted="kind/bug",
    drift={"color": "000000"},
    corrected=[write("PATCH", f"{REPOSITORY}/labels/kind%2Fbug", {"color": "d73a4a"})],
    covers=["pages from 1", "constant header", "names in paths"],
)


def slug(row: Row) -> Row:
    """Return a team with what GitHub makes of its name."""
    return {**row, "slug": row["slug"].lower().replace(" ", "-")}


TEAM = {"permission": "pull", "privacy": "secret", "notification_setting": "notifications_enabled"}
TEAM_FIELDS: dict[str, Shape] = {
    "name": TEXT,
    "description": TEXT,
    "privacy": TEXT,
    "notification_setting": TEXT,
}
TEAMS = Case(
    "github/teams.yaml",
    Api(
        "/orgs/acme/teams",
        NUMBERED,
        updates=body(**TEAM_FIELDS, permission=TEXT, parent_team_id=WHOLE_NUMBER),
        creates=body("name", **TEAM_FIELDS, permission=TEXT, maintainers=TEXTS, repo_names=TEXTS),
        path_id="slug",
        ids=lambda number: f"team-{number}",
        new={**TEAM, "id": 1, "description": None, "parent": None},
        headers=GITHUB,
    ),
    live=[{**TEAM, "id": 7, "name": "Platform", "slug": "platform", "description": None, "parent": None}],
    filler=lambda number: {**TEAM, "id": number, "name": f"Guild {number}", "slug": f"guild-{number}"},
    sent=[
        write(
            "POST",
            "/orgs/acme/teams",
            {
                "name": "Incident Response",
                "notification_setting": "notifications_enabled",
                "privacy": "secret",
            },
        ),
        write(
            "PATCH",
            "/orgs/acme/teams/platform",
            {"description": "Runs the clusters", "privacy": "closed"},
        ),
    ],
    drifted="Platform",
    drift={"privacy": "secret"},
    corrected=[write("PATCH", "/orgs/acme/teams/platform", {"privacy": "closed"})],
    covers=["paths take slugs"],
)

HOOK = {"type": "Repository", "name": "web", "active": True, "events": ["push"]}
CONFIG = {"url": "https://ci.example/hook", "content_type": "form", "insecure_ssl": "0", "secret": "********"}
HOOK_CONFIG: Shape = body(url=TEXT, content_type=TEXT, insecure_ssl=TEXT)
WEBHOOKS = Case(
    "github/webhooks.yaml",
    Api(
        f"{REPOSITORY}/hooks",
        NUMBERED,
        updates=body(active=FLAG, events=TEXTS, add_events=TEXTS, remove_events=TEXTS, config=HOOK_CONFIG),
        headers=GITHUB,
    ),
    live=[{**HOOK, "id": 12345678, "config": CONFIG}],
    filler=lambda number: {**HOOK, "id": number, "config": CONFIG},
    sent=[
        write(
            "PATCH",
            f"{REPOSITORY}/hooks/12345678",
            {
                "events": ["pull_request", "push"],
            },
        )
    ],
    identity="id",
    exported="- id: ",
    drifted=12345678,
    drift={"active": False},
    corrected=[write("PATCH", f"{REPOSITORY}/hooks/12345678", {"active": True})],
    covers=["numbers as names", "sets"],
)

VARIABLES = Case(
    "github/variables.yaml",
    Api(
        f"{REPOSITORY}/actions/variables",
        Pages(limit="per_page", most=30, page="page", results="variables", count="total_count", link="next"),
        updates=body(name=TEXT, value=TEXT),
        creates=body("name", "value", name=TEXT, value=TEXT),
        path_id="name",
        new={"created_at": "2026-01-01T00:00:00Z"},
        unique="name",
        headers=GITHUB,
        created=(201, "object"),
        updated=(204, "nothing"),
    ),
    live=[{"name": "REGION", "value": "us-east", "created_at": "2026-01-01T00:00:00Z"}],
    filler=lambda number: {"name": f"OTHER_{number}", "value": "x", "created_at": "2026-01-01T00:00:00Z"},
    sent=[
        write("PATCH", f"{REPOSITORY}/actions/variables/REGION", {"value": "eu-west"}),
        write("POST", f"{REPOSITORY}/actions/variables", {"name": "REPLICAS", "value": "3"}),
    ],
    drifted="REPLICAS",
    drift={"value": "1"},
    corrected=[write("PATCH", f"{REPOSITORY}/actions/variables/REPLICAS", {"value": "3"})],
    covers=["pages with a count", "writes without a response"],
)

GITEA = "/api/v1/repos/acme/site/labels"
GITEA_LABEL = {"color": "ededed", "description": "", "exclusive": False, "url": "x"}
GITEA_LABELS = Case(
    "gitea/labels.yaml",
    Api(
        GITEA,
        Pages(limit="limit", most=50, page="page"),
        updates=body(name=TEXT, color=TEXT, description=TEXT, exclusive=FLAG),
        creates=body("name", "color", name=TEXT, color=TEXT, description=TEXT, exclusive=FLAG),
        new=GITEA_LABEL,
    ),
    live=[
        {**GITEA_LABEL, "id": 71, "name": "kind/bug"},
        {**GITEA_LABEL, "id": 72, "name": "twice"},
        {**GITEA_LABEL, "id": 73, "name": "twice"},
    ],
    filler=lambda number: {**GITEA_LABEL, "id": 1000 + number, "name": f"area/{number}"},
    sent=[
        write("POST", GITEA, {"color": "008672", "name": "help wanted"}),
        write(
            "PATCH",
            f"{GITEA}/71",
            {"color": "d73a4a", "description": "Something isn't working", "exclusive": True},
        ),
    ],
    drifted="help wanted",
    drift={"color": "ffffff"},
    corrected=[write("PATCH", f"{GITEA}/1105", {"color": "008672"})],
    auth={"Authorization": f"token {TOKEN}"},
    covers=["paths take ids, names are doubled"],
)

SENTRY = "/api/0/projects/acme/web/keys/"
LOADER = {"hasReplay": True, "hasPerformance": True, "hasDebug": False, "hasFeedback": False}
KEY = {"isActive": True, "rateLimit": None, "browserSdkVersion": "7.x", "dynamicSdkLoaderOptions": LOADER}
RATE: Shape = {
    "type": ["object", "null"],
    **{n: v for n, v in body(count=WHOLE_NUMBER, window=WHOLE_NUMBER).items() if n != "type"},
}
SENTRY_KEYS = Case(
    "sentry/keys.yaml",
    Api(
        SENTRY,
        Pages(cursor="cursor", most=50, link="results"),
        updates=body(
            name=TEXT,
            isActive=FLAG,
            rateLimit=RATE,
            browserSdkVersion=TEXT,
            dynamicSdkLoaderOptions=body(**dict.fromkeys(LOADER, FLAG)),
        ),
        creates=body(name=TEXT_OR_NONE, rateLimit=RATE, useCase=TEXT),
        method="PUT",
        ids=lambda number: f"{number:032x}",
        slash="/",
        new={**KEY, "secret": "0f0f0f0f", "dsn": {"secret": "https://0f0f0f0f@sentry.example/1"}},
        merged=["dynamicSdkLoaderOptions"],
    ),
    live=[{**KEY, "id": "a1", "name": "web", "label": "web", "secret": "0f0f0f0f"}],
    filler=lambda number: {**KEY, "id": f"b{number}", "name": f"Key {number}", "secret": "0f0f0f0f"},
    sent=[
        write(
            "PUT",
            f"{SENTRY}a1/",
            {
                "dynamicSdkLoaderOptions": {**LOADER, "hasReplay": False},
                "rateLimit": {"count": 1000, "window": 60},
            },
        ),
        write("POST", SENTRY, {"name": "worker", "rateLimit": {"count": 50, "window": 1}}),
    ],
    drifted="web",
    drift={"rateLimit": None},
    corrected=[write("PUT", f"{SENTRY}a1/", {"rateLimit": {"count": 1000, "window": 60}})],
    listed_secrets=["0f0f0f0f"],
    covers=["cursor in the header Link", "slash at the end", "PUT of changed fields"],
)

CASES = (LABELS, TEAMS, WEBHOOKS, VARIABLES, GITEA_LABELS, SENTRY_KEYS)
