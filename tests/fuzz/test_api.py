from __future__ import annotations

import json
from typing import Any

import pytest

from fuzz.api import Examiner, judge
from fuzz.requests import Sent, meaning
from gcore_emulator import Switches

COLLECTION = "/cloud/v1/caas/keys/1/76"
KEY: dict[str, Any] = {
    "name": "web",
    "description": "",
    "created_at": "2026-06-01T12:00:00Z",
    "status": "Active",
    "source": "cloud",
    "expire": None,
    "is_disabled": False,
    "containers": [],
}
FUNCTION_KEY: dict[str, Any] = {
    "name": "web",
    "created_at": "2026-06-01T12:00:00Z",
    "status": "Active",
    "functions": [{"name": "fn", "namespace": "ns"}],
}
CHAT_KEY: dict[str, Any] = {
    "name": "chat",
    "description": None,
    "created_at": "2026-06-01T12:00:00Z",
    "expires_at": None,
    "deployment_names": ["llama"],
}
PROJECT: dict[str, Any] = {
    "id": 1,
    "client_id": 1,
    "name": "Default",
    "description": None,
    "state": "ACTIVE",
    "is_default": True,
    "created_at": "2019-12-31T23:59:59",
    "deleted_at": None,
    "task_id": None,
}
FUNCTIONS, CHATS = "/cloud/v1/faas/keys/1/76", "/cloud/v3/inference/1/api_keys"
PROJECTS = "/cloud/v1/projects"
ERROR = {"exception_class": "NotFoundError", "message": "no", "request_id": "0" * 32}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_response_follows_the_openapi_description(seed: int) -> None:
    examiner = Examiner(seed)
    examiner.examine(0, 200)
    assert [f"{broken.case}: {broken.detail}" for broken in examiner.broken] == []
    assert sum(examiner.counts.values()) == 200


def said(method: str, target: str, status: int, document: Any, kind: str = "application/json") -> str:
    sent = Sent(meaning(method, target), method, target, {}, None, authorized=True)
    content = b"" if document is None else json.dumps(document).encode()
    return judge(sent, Switches(), status, kind, content)


@pytest.mark.parametrize(
    ("method", "target", "status", "document"),
    [
        ("GET", f"{COLLECTION}?limit=1", 200, {"count": 3, "results": [KEY]}),
        ("POST", COLLECTION, 200, KEY | {"secret": "s"}),
        ("GET", f"{COLLECTION}/web", 200, KEY),
        ("DELETE", f"{COLLECTION}/web", 204, None),
        ("DELETE", f"{COLLECTION}/web", 404, ERROR),
        ("GET", f"{FUNCTIONS}/web", 200, FUNCTION_KEY),
        ("GET", f"{FUNCTIONS}/web", 200, FUNCTION_KEY | {"expire": None, "description": ""}),
        ("POST", FUNCTIONS, 200, FUNCTION_KEY | {"secret": "s"}),
        ("GET", CHATS, 200, {"count": 1, "results": [CHAT_KEY]}),
        ("PATCH", f"{CHATS}/chat", 200, CHAT_KEY),
        ("DELETE", f"{CHATS}/chat", 409, ERROR),
        ("GET", PROJECTS, 200, {"count": 1, "results": [PROJECT]}),
        ("PUT", COLLECTION, 405, ERROR),
        ("GET", f"{COLLECTION}/a%2Fb", 404, ERROR),
    ],
)
def test_a_described_response_is_accepted(method: str, target: str, status: int, document: Any) -> None:
    assert said(method, target, status, document) == ""


@pytest.mark.parametrize(
    ("method", "target", "status", "document"),
    [
        ("GET", COLLECTION, 500, ERROR),
        ("GET", COLLECTION, 409, ERROR),
        ("GET", COLLECTION, 200, {"count": 0, "results": [KEY]}),
        ("GET", COLLECTION, 200, {"count": True, "results": []}),
        ("POST", COLLECTION, 201, KEY | {"secret": "s"}),
        ("POST", COLLECTION, 200, KEY),
        ("GET", f"{COLLECTION}/web", 200, KEY | {"secret": "s"}),
        ("GET", f"{COLLECTION}/web", 200, KEY | {"expire": "tomorrow"}),
        ("GET", f"{COLLECTION}/web", 200, KEY | {"containers": [{"name": "X", "namespace": ""}]}),
        ("GET", f"{COLLECTION}/web", 404, ERROR | {"invalid_fields": {"a": []}}),
        ("GET", f"{COLLECTION}/web", 404, None),
        ("DELETE", f"{COLLECTION}/web", 204, {}),
        ("GET", f"{FUNCTIONS}/web", 200, FUNCTION_KEY | {"source": "cloud"}),
        ("GET", f"{FUNCTIONS}/web", 200, FUNCTION_KEY | {"functions": [{"name": "fn", "namespace": ""}]}),
        ("GET", f"{CHATS}/chat", 200, FUNCTION_KEY),
        ("PATCH", f"{CHATS}/chat", 200, CHAT_KEY | {"secret": "s"}),
        ("GET", PROJECTS, 200, {"count": 1, "results": [PROJECT | {"created_at": "2019-12-31T23:59:59Z"}]}),
        ("GET", PROJECTS, 404, ERROR),
        ("PUT", COLLECTION, 200, {}),
    ],
)
def test_an_undescribed_response_is_refused(method: str, target: str, status: int, document: Any) -> None:
    assert said(method, target, status, document)


def test_a_response_must_have_the_json_content_type() -> None:
    assert said("GET", f"{COLLECTION}/web", 200, KEY, "text/plain")
