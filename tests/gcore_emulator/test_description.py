"""Every response of an operation is one that the API's description has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from gcore_emulator import Faults
from gcore_emulator.faults import NO_FAULTS
from tests.gcore_emulator.conftest import TOKEN
from tests.gcore_emulator.description import (
    complaints,
    description,
    operations,
    request_complaints,
    template_of,
)
from tests.gcore_emulator.kinds import BOX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from tests.gcore_emulator.conftest import Api, Launcher

OPERATIONS = [(method, path) for method, path, _ in operations()]
SEED: dict[str, Any] = {
    "caas": {"1/76": [{"name": "held-key", "containers": [BOX], "expire": "2020-01-01T00:00:00Z"}]},
    "faas": {"1/76": [{"name": "held-key", "functions": [BOX]}]},
    "inference": {"1": [{"name": "held-key", "deployment_names": ["llama"]}]},
    "projects": [{"id": 1, "name": "Default"}],
    "regions": [{"id": 76, "display_name": "Luxembourg-2"}],
}
BODIES: Mapping[str, dict[str, Any]] = {
    "caas": {"containers": [BOX], "expire": "2027-01-31T00:00:00Z"},
    "faas": {"functions": [BOX], "description": "x"},
    "inference": {"description": "x"},
    "v1": {},
}
REFUSED_BY_NONE = {403}  # permissions and capacity: the emulator has neither


def filled(template: str, name: str = "held-key") -> str:
    numbers = template.replace("{project_id}", "1").replace("{region_id}", "76")
    return numbers.replace("{key_name}", name).replace("{api_key_name}", name)


def asked(api: Api, method: str, template: str, name: str = "held-key") -> httpx.Response:
    """Send a proper request, about a key of this name where the path or the body has one."""
    family = next(word for word in BODIES if f"/{word}/" in template)
    body = {**BODIES[family], **({"name": name} if method == "POST" else {})}
    return api.client.request(
        method, filled(template, name), json=body if method in {"POST", "PATCH"} else None
    )


def is_item(template: str) -> bool:
    return template.endswith("name}")


def succeeding(api: Api, method: str, template: str) -> httpx.Response:
    if method == "DELETE":
        asked(api, "POST", template.rpartition("/")[0], "new-key")
    return asked(api, method, template, "new-key" if method in {"POST", "DELETE"} else "held-key")


def invalid(api: Api, method: str, template: str) -> httpx.Response:
    if is_item(template):
        return asked(api, method, template, "-")
    if method == "POST":
        return api.client.post(filled(template), content=b"{}")
    return api.client.get(filled(template), params={"limit": 0})


def without_token(api: Api, method: str, template: str) -> httpx.Response:
    del api.client.headers["authorization"]
    return asked(api, method, template)


def missing(api: Api, method: str, template: str) -> httpx.Response:
    return asked(api, method, template, "missing-key")


def conflicting(api: Api, method: str, template: str) -> httpx.Response:
    return asked(api, method, template)


def failing(**rates: float) -> Callable[[Api, str, str], httpx.Response]:
    def provoke(api: Api, method: str, template: str) -> httpx.Response:
        settings: dict[str, Any] = {**rates, "max_in_a_row": 0}
        api.emulator.faults = Faults(**settings)
        response = asked(api, method, template)
        api.emulator.faults = NO_FAULTS
        return response

    return provoke


PROVOKED: Mapping[int, Callable[[Api, str, str], httpx.Response]] = {
    200: succeeding,
    204: succeeding,
    400: invalid,
    401: without_token,
    404: missing,
    409: conflicting,
    429: failing(status_429_seconds=1.0),
    500: failing(status_500=1.0),
}


def provoked(method: str, template: str) -> list[int]:
    """Return the described statuses of an operation that the emulator has a reason to return."""
    responses = description()["paths"][template][method.lower()]["responses"]
    statuses = {int(status) for status in responses} - REFUSED_BY_NONE
    if not is_item(template):
        statuses -= {404}  # every project and region exists
    if method == "PATCH":
        statuses -= {409}  # nothing can be in the way of a change
    return sorted(statuses)


CASES = [(method, path, status) for method, path in OPERATIONS for status in provoked(method, path)]


def test_the_description_has_every_operation_of_keys_projects_and_regions() -> None:
    assert len(OPERATIONS) == 3 * 5 + 2
    assert len(CASES) == 3 * (5 + 6 + 6 + 6 + 7) + 2 * 5


@pytest.mark.parametrize(("method", "path", "status"), CASES)
def test_responses_follow_the_description(start: Launcher, method: str, path: str, status: int) -> None:
    api = start(seed=SEED, delete_bound="409" if status == 409 else "204")
    response = PROVOKED[status](api, method, path)
    assert response.status_code == status
    document = response.json() if response.content else None
    assert complaints(method, filled(path), status, document) == []
    assert TOKEN not in response.text


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_request_path_is_matched_to_its_path_template(method: str, path: str) -> None:
    assert template_of(filled(path)) == path, method


KEY = {
    "name": "web-key",
    "description": "",
    "created_at": "2026-06-01T12:00:00Z",
    "status": "Active",
    "source": "cloud",
    "expire": None,
    "is_disabled": False,
    "containers": [BOX],
}
CAAS, INFERENCE = "/cloud/v1/caas/keys/1/76", "/cloud/v3/inference/1/api_keys"
WRONG: list[tuple[str, str, int, Any]] = [
    ("GET", f"{CAAS}/web-key", 200, None),
    ("GET", f"{CAAS}/web-key", 200, KEY | {"secret": "x"}),
    ("GET", f"{CAAS}/web-key", 200, KEY | {"created_at": "2026-06-01T12:00:00"}),
    ("GET", f"{CAAS}/web-key", 200, KEY | {"containers": [BOX | {"port": 80}]}),
    ("GET", f"{CAAS}/web-key", 200, {name: value for name, value in KEY.items() if name != "expire"}),
    ("GET", f"{CAAS}/web-key", 201, KEY),
    ("GET", f"{CAAS}/web-key", 404, {"detail": "no"}),
    ("GET", CAAS, 200, {"count": 1, "results": [KEY | {"secret": "x"}]}),
    ("GET", CAAS, 200, {"count": 1, "results": [], "next": None}),
    ("POST", CAAS, 200, KEY),
    ("DELETE", f"{CAAS}/web-key", 204, {}),
    ("PUT", CAAS, 200, KEY),
    ("GET", f"{INFERENCE}/web-key", 200, KEY),
    ("GET", "/cloud/v1/elsewhere", 200, {}),
]


@pytest.mark.parametrize(("method", "path", "status", "document"), WRONG)
def test_other_responses_are_refused(method: str, path: str, status: int, document: object) -> None:
    assert complaints(method, path, status, document)


@pytest.mark.parametrize("name", sorted(description()["components"]["schemas"]))
def test_every_schema_of_the_description_is_valid(name: str) -> None:
    Draft202012Validator.check_schema(description()["components"]["schemas"][name])


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", f"{CAAS}?limit=1000&offset=0", None),
        ("GET", f"{INFERENCE}?limit=1000", None),
        ("PATCH", f"{CAAS}/web-key", {}),
        ("PATCH", f"{CAAS}/web-key", {"expire": None, "containers": [BOX]}),
        ("PATCH", "/cloud/v1/faas/keys/1/76/web-key", {"functions": [BOX]}),
        ("PATCH", f"{INFERENCE}/web-key", {"description": "x"}),
    ],
)
def test_a_described_request_is_accepted(method: str, target: str, body: object) -> None:
    assert request_complaints(method, target, body) == []


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", f"{CAAS}?limit=1001", None),
        ("GET", f"{CAAS}?limit=all", None),
        ("GET", f"{CAAS}?page=2", None),
        ("GET", CAAS, {}),
        ("GET", "/cloud/v1/caas/keys/one/76", None),
        ("GET", f"{CAAS}/ab", None),
        ("PUT", f"{CAAS}/web-key", {}),
        ("PATCH", f"{CAAS}/web-key", None),
        ("PATCH", f"{CAAS}/web-key", {"name": "web-key"}),
        ("PATCH", f"{CAAS}/web-key", {"expire": "2027-01-31"}),
        ("PATCH", f"{CAAS}/web-key", {"containers": [BOX | {"port": 80}]}),
        ("PATCH", "/cloud/v1/faas/keys/1/76/web-key", {"description": "x"}),
        ("PATCH", f"{INFERENCE}/web.key", {"description": "x"}),
        ("PATCH", f"{INFERENCE}/web-key", {"expires_at": "2027-01-31T00:00:00Z"}),
    ],
)
def test_any_other_request_is_refused(method: str, target: str, body: object) -> None:
    assert request_complaints(method, target, body)
