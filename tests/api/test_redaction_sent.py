"""No path by which a service's text is shown lets a secret through, however the service writes it."""

from __future__ import annotations

import base64
import json
import os
import shlex
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from reconciler import errors
from reconciler.api.exchange import HttpSettings
from reconciler.api.reader import Reader
from reconciler.api.redaction import MASK, Redactor
from reconciler.api.webhook import Webhook
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.apply.observer import StoredSecret
from reconciler.apply.sinks.spec import open_sink
from reconciler.model.outcome import Result
from reconciler.model.secret import Secret
from reconciler.model.system import SystemClock, SystemRandomness
from tests.apply.sinks import WEB
from tests.support import COLLECTION, TOKEN, FakeClock, Script, connect, http_bytes, raw_server
from tests.values import CAAS, declared, live, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change
    from reconciler.model.succession import SecretAlias

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capitals": str.upper,
    "percent-encoded": lambda text: quote(text, safe=""),
    "every character percent-encoded": lambda text: "".join(f"%{ord(char):02x}" for char in text),
    "unicode escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "hexadecimal": lambda text: text.encode().hex().upper(),
    "base64 of the header": lambda text: base64.b64encode(f"apikey {text}".encode()).decode(),
    "base64 of a login": lambda text: base64.urlsafe_b64encode(f"user:{text}".encode()).decode().rstrip("="),
}
EVERY = pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)


def failure(response: httpx.Response) -> errors.Failure:
    with Reader(connect(Script(response))) as reader, pytest.raises(errors.ApiError) as raised:
        reader.get(COLLECTION, {})
    return raised.value.failure


@EVERY
@pytest.mark.parametrize("member", ["message", "detail", "exception_class", "code", "request_id"])
def test_a_token_in_a_member_of_a_refusal_is_redacted(member: str, spell: Callable[[str], str]) -> None:
    reported = str(failure(httpx.Response(400, json={member: f"see {spell(TOKEN)} there"})))
    assert MASK in reported
    assert spell(TOKEN) not in reported


@EVERY
def test_a_token_as_a_name_of_a_field_is_redacted(spell: Callable[[str], str]) -> None:
    reported = str(
        failure(httpx.Response(400, json={"message": "No.", "invalid_fields": {spell(TOKEN): []}}))
    )
    assert "No. (fields: " in reported
    assert spell(TOKEN) not in reported


@EVERY
def test_a_token_in_a_header_is_redacted(spell: Callable[[str], str]) -> None:
    redirect = str(failure(httpx.Response(302, headers={"Location": f"https://evil/?{spell(TOKEN)}"})))
    assert "redirected to https://evil/?" in redirect
    kind = str(failure(httpx.Response(200, text="<html>", headers={"Content-Type": f"x/{spell(TOKEN)}"})))
    assert "the response is not JSON (x/" in kind
    assert spell(TOKEN) not in redirect + kind


@EVERY
def test_a_token_in_a_reason_phrase_is_redacted(spell: Callable[[str], str]) -> None:
    with (
        raw_server(http_bytes(b"", f"400 no {spell(TOKEN)} here")) as server,
        Reader(connect(Script(), base_url=server.url, transport=None)) as reader,
        pytest.raises(errors.RejectedError) as raised,
    ):
        reader.get(COLLECTION, {})
    assert "HTTP 400: no " in str(raised.value)
    assert spell(TOKEN) not in str(raised.value)


@EVERY
def test_a_token_in_a_body_that_is_not_json_is_redacted(spell: Callable[[str], str]) -> None:
    reported = str(failure(httpx.Response(200, text=f"<p>{spell(TOKEN)}")))
    assert spell(TOKEN) not in reported


@EVERY
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_success_that_contains_the_token_is_refused(spell: Callable[[str], str], encoding: str) -> None:
    for key in (live(description=f"is {spell(TOKEN)}"), live(**{spell(TOKEN): 1})):
        content = json.dumps({"count": 1, "results": [key]}).encode(encoding)
        reported = failure(httpx.Response(200, content=content))
        assert reported.detail == "the response contains the token, so it is discarded"
        assert reported.in_doubt


def test_a_success_whose_json_escapes_spell_the_token_is_refused() -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in TOKEN)
    reported = failure(
        httpx.Response(200, content=f'{{"count": 0, "results": [], "x": "{escaped}"}}'.encode())
    )
    assert "contains the token" in reported.detail


NEW = "fresh/secret-of+this%key"
(CREATION,) = make_plan([declared(containers=[], description="")], []).changes
(UPDATE,) = make_plan([declared(description="mine")], [live()]).changes


class Store:
    def started(self, change: Change) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        pass

    def outdated(self, _change: Change) -> str:
        return ""

    def missing(self, _change: Change) -> str:
        return ""

    def publish(self, _alias: SecretAlias) -> str:
        return ""

    def store(self, _change: Change, secret: Secret) -> StoredSecret:
        assert secret.reveal() == NEW
        return StoredSecret("memory:1")


def execute(remote: Any, *changes: Change) -> list[Outcome]:
    """Send changes one after the other."""
    with Writer(connect(remote)) as writer, Workers(1) as workers:
        executor = Executor(writer, {"caas": CAAS}, workers, threading.Event(), secrets=Store())
        return list(executor.execute(changes))


@EVERY
def test_the_secret_of_a_new_key_is_redacted_in_other_response_members(spell: Callable[[str], str]) -> None:
    created = httpx.Response(200, json=live(secret=NEW, description=f"it is {spell(NEW)}"))
    (outcome,) = execute(Script(created), CREATION)
    assert (outcome.result, outcome.secret_at) == (Result.NOT_VERIFIED, "memory:1")
    assert "description was accepted as" in outcome.detail
    assert spell(NEW) not in outcome.detail


@EVERY
@pytest.mark.parametrize("status", [202, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_the_secret_of_a_new_key_in_a_refusal_is_redacted(status: int, spell: Callable[[str], str]) -> None:
    body = {"secret": NEW, "message": f"no: {spell(NEW)}", "request_id": spell(NEW)}
    refusal = httpx.Response(status, json=body, headers={"Location": f"/{spell(NEW)}"})
    remote = Script(refusal, httpx.Response(200, json=live(description="theirs")))
    (outcome,) = execute(remote, CREATION)
    assert outcome.detail
    assert spell(NEW) not in f"{outcome.detail} {outcome.request_id}"


@EVERY
def test_the_secret_of_a_new_key_in_a_later_response_is_redacted(spell: Callable[[str], str]) -> None:
    created = httpx.Response(200, json=live(secret=NEW, description=""))
    accepted = httpx.Response(200, json=live(description=f"was {spell(NEW)}"))
    refused = httpx.Response(400, json={"message": f"no {spell(NEW)}"})
    for later in (accepted, refused):
        outcomes = execute(Script(created, later), CREATION, UPDATE)
        assert outcomes[1].result is not Result.APPLIED
        assert not [outcome for outcome in outcomes if spell(NEW) in outcome.detail]


@EVERY
def test_the_address_of_a_webhook_is_redacted(spell: Callable[[str], str]) -> None:
    path, query = "/services/T0/B0/very-secret", "key=also-secret"
    for said in (path, query, f"{path}?{query}", "very-secret", "also-secret"):
        remote = Script(httpx.ReadError(f"broke at {spell(said)}"))
        with Webhook(
            Secret(f"https://hooks.example.com{path}?{query}"),
            None,
            HttpSettings("test/1", FakeClock(), SystemRandomness(), httpx.MockTransport(remote)),
        ) as hook:
            with pytest.raises(errors.ApiError, match="no response: brok") as raised:
                hook.send({}, "msg_1")
            assert spell(said) not in str(raised.value)


def sink_error(spec: str, **environment: str) -> str:
    """Fail to store a secret in a run that knows the token of the API, and return the message."""
    redactor = Redactor(Secret(TOKEN))
    found = {"PATH": os.defpath, "VAULT_TOKEN": "hvs.token-of-vault"} | environment
    sink = open_sink(spec, SystemClock(), SystemRandomness(), "test/1", found, redactor=redactor)
    with pytest.raises(errors.SinkError) as raised:
        sink.store(WEB, Secret(NEW))
    return str(raised.value)


@EVERY
def test_program_output_is_redacted_of_every_secret_of_the_run(spell: Callable[[str], str]) -> None:
    said = f"have {spell(TOKEN)}, and {spell(NEW)}!"
    reported = sink_error(f"exec:sh -c {shlex.quote(f'printf %s {shlex.quote(said)} >&2; exit 1')}")
    assert reported.startswith("sh ended with 1: have ")
    assert not [text for text in (TOKEN, NEW) if spell(text) in reported]


@EVERY
def test_vault_messages_are_redacted_of_every_secret_of_the_run(spell: Callable[[str], str]) -> None:
    secrets = (TOKEN, NEW, "hvs.token-of-vault")
    body = json.dumps({"errors": [f"no: {', '.join(map(spell, secrets))}"]}).encode()
    with raw_server(http_bytes(body, "400 Bad Request")) as server:
        reported = sink_error("vault:secret", VAULT_ADDR=server.url)
    assert "HTTP 400: no: " in reported
    assert not [text for text in secrets if spell(text) in reported]
