"""The API's description, and whether a request or a response follows it."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.support import from_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE = Path(__file__).with_name("openapi.yaml")
_BASE = "urn:description"
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
METHODS = ("get", "post", "patch", "delete")


@functools.cache
def description() -> dict[str, Any]:
    """Return the description, with a page that has no other members than its schema names."""
    document: dict[str, Any] = from_yaml(_FILE.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Page"):
            schema["properties"]["results"]["items"]["unevaluatedProperties"] = False
        if name.endswith("Ref"):
            schema["additionalProperties"] = False
    return document


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return method, path template and description of every operation."""
    for path, item in description()["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def template_of(path: str) -> str | None:
    """Return the template that a path, without its query, is of."""
    for template in description()["paths"]:
        pattern = "/".join("[^/]+" if part.startswith("{") else part for part in template.split("/"))
        if re.fullmatch(pattern, path):
            return str(template)
    return None


@functools.cache
def _registry() -> Registry[Any]:
    resource = Resource.from_contents(description(), default_specification=DRAFT202012)
    empty: Registry[Any] = Registry()
    described: Registry[Any] = empty.with_resource(_BASE, resource)
    return described


def _formats(*, dated: bool) -> FormatChecker:
    checker = FormatChecker(formats=())
    if dated:
        checker.checks("date-time")(
            lambda text: not isinstance(text, str) or bool(_DATE_TIME.fullmatch(text))
        )
    return checker


@functools.cache
def _validator(pointer: str, *, dated: bool) -> Draft202012Validator:
    schema = {"$ref": f"{_BASE}#{pointer}", "unevaluatedProperties": False}
    return Draft202012Validator(schema, registry=_registry(), format_checker=_formats(dated=dated))


def _pointer(method: str, template: str, status: int) -> str | None:
    """Return the place of the schema of a response, None without a body; KeyError if undescribed."""
    responses = description()["paths"][template][method.lower()]["responses"]
    response = responses[str(status)]
    escaped = template.replace("/", "~1")
    pointer = f"/paths/{escaped}/{method.lower()}/responses/{status}"
    if "$ref" in response:
        pointer = response["$ref"].removeprefix("#")
        response = description()["components"]["responses"][pointer.rpartition("/")[2]]
    return f"{pointer}/content/application~1json/schema" if "content" in response else None


def _resolved(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what an entry of a list of parameters refers to."""
    if "$ref" not in entry:
        return entry
    name = entry["$ref"].rpartition("/")[2]
    found: dict[str, Any] = description()["components"]["parameters"][name]
    return found


def _misfits(schema: dict[str, Any], text: str) -> list[str]:
    """Return how the text of a parameter violates its schema."""
    is_number = schema["type"] == "integer" and re.fullmatch(r"-?\d+", text)
    value = int(text) if is_number else text
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


def request_complaints(method: str, target: str, body: Any) -> list[str]:
    """Return what the description does not have of a request; ``target`` is a path with its query."""
    url = urlsplit(target)
    template = template_of(url.path)
    item = {} if template is None else description()["paths"][template]
    operation = item.get(method.lower())
    if template is None or operation is None:
        return [f"{method} {url.path} is no operation"]
    entries = [_resolved(entry) for entry in [*item.get("parameters", []), *operation.get("parameters", [])]]
    schemas = {(entry["in"], entry["name"]): entry["schema"] for entry in entries}
    parts = zip(template.split("/"), url.path.split("/"), strict=True)
    given = [(("path", part.strip("{}")), unquote(text)) for part, text in parts if part.startswith("{")]
    given += [(("query", name), text) for name, text in parse_qsl(url.query, keep_blank_values=True)]
    found = [f"{place} is no parameter" for place, _ in given if place not in schemas]
    found += [f"{p}: {what}" for p, text in given if p in schemas for what in _misfits(schemas[p], text)]
    if "requestBody" not in operation:
        return found if body is None else [*found, "a body where there is none"]
    pointer = (
        f"/paths/{template.replace('/', '~1')}/{method.lower()}/requestBody/content/application~1json/schema"
    )
    errors = _validator(pointer, dated=True).iter_errors(body)
    return found + [f"{'/'.join(map(str, error.absolute_path))}: {error.message:.200}" for error in errors]


def complaints(method: str, path: str, status: int, document: Any, *, dated: bool = True) -> list[str]:
    """Return what the description does not have of a response; ``document`` is None for no body.

    ``dated`` says whether instants have the described format, which some switches change.
    """
    template = template_of(path)
    if template is None or method.lower() not in description()["paths"][template]:
        return [] if status in {404, 405} else [f"{status} for what the description does not have"]
    try:
        pointer = _pointer(method, template, status)
    except KeyError:
        return [f"{status} is not described"]
    if pointer is None:
        return [] if document is None else ["a body where there is none"]
    found = _validator(pointer, dated=dated).iter_errors(document)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message:.200}" for error in found]
