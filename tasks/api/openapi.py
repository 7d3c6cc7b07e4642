"""The OpenAPI document and the JSON schema for editors: `python -m tasks.api.openapi` writes them into `docs/`.

Powertools makes the document from the handlers; here it gets our errors, the token that every route asks for,
and the public callback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.api.app import resolver

DOCS = Path(__file__).parents[2] / "docs"

TITLE = "Algo baskets"
VERSION = "1.0.0"

_ERRORS = {
    "400": "It is not JSON",
    "401": "No valid token",
    "403": "This needs another role, or the operator's leave",
    "404": "Not there, or somebody else's",
    "409": "Someone was faster, or it contradicts what stands; `version` is the one that stands",
    "413": "The body is too large",
    "415": "The body is not application/json",
    "422": "Refused: one line for each wrong field",
    "428": "Say in If-Match which version you saw",
    "503": "Try again",
}
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "required": ["error", "message"],
    "properties": {
        "error": {"type": "string", "examples": ["not_found"]},
        "message": {"type": "string", "description": "For people"},
        "problems": {"type": "array", "items": {"type": "string"}, "description": "`path: reason`"},
        "version": {"type": "integer", "description": "The version that stands"},
    },
}
_NO_TOKEN = {
    "description": _ERRORS["401"],
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "title": "Unauthorized",
                "required": ["message"],
                "properties": {"message": {"type": "string"}},
            }
        }
    },
}
"""The gateway answers this one itself, before any code of ours runs."""

_THEIRS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
_CALLBACK = {
    "get": {
        "summary": "Where a broker's login ends",
        "operationId": "callback",
        "tags": ["public"],
        "security": [],
        "parameters": [
            {"name": "account", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "request_token", "in": "query", "required": True, "schema": {"type": "string"}},
            {"name": "state", "in": "query", "required": True, "schema": {"type": "string"}},
        ],
        "responses": {"200": {"description": "A page that says until when the session is good"}},
    }
}
_HEALTH = {
    "get": {
        "summary": "Whether it answers",
        "operationId": "health",
        "tags": ["public"],
        "security": [],
        "responses": {"200": {"description": "It does"}},
    }
}


def document() -> dict[str, Any]:
    """The OpenAPI document, the same for the same code."""
    made: dict[str, Any] = json.loads(resolver().get_openapi_json_schema(title=TITLE, version=VERSION))
    made.pop("servers", None)
    for method, path, operation in _operations(made["paths"]):
        operation["operationId"] = _operation_id(operation["operationId"], method, path)
        operation["parameters"] = _parameters(operation.get("parameters", []))
        operation["responses"] = _responses(operation["responses"], has_body="requestBody" in operation)
    made["paths"] |= {"/callback/{account}": _with_errors(_CALLBACK), "/health": _HEALTH}
    made["paths"] = dict(sorted(made["paths"].items()))
    schemas = {name: part for name, part in made["components"]["schemas"].items() if name not in _THEIRS}
    made["components"] = {
        "schemas": dict(sorted({**schemas, "Problem": _PROBLEM}.items())),
        "securitySchemes": {"token": _TOKEN},
    }
    made["security"] = [{"token": []}]
    return made


def files() -> dict[str, str]:
    """What is generated, by its path in `docs/`."""
    described = document()
    return {
        "openapi.json": _text(described),
        "api.md": _page(described),
    }


def main() -> None:
    for name, text in files().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")


def _operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield method, path, operation


def _operation_id(theirs: str, method: str, path: str) -> str:
    """The handler's name: Powertools appends the path and the method."""
    tail = "".join(char if char.isalnum() else "_" for char in path.replace("{", "<").replace("}", ">"))
    return theirs.removesuffix(f"_{method}").removesuffix(tail).strip("_")


def _parameters(parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a handler depends on is no parameter of the request."""
    return [one for one in parameters if one["name"] != "here"]


def _responses(responses: Mapping[str, Any], *, has_body: bool) -> dict[str, Any]:
    good = {status: answer for status, answer in responses.items() if status.startswith("2")}
    return {**good, **_problems(has_body=has_body)}


def _problems(*, has_body: bool) -> dict[str, Any]:
    reference = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    kept = {code: text for code, text in _ERRORS.items() if has_body or code not in ("415",)}
    ours = {code: {"description": text, "content": reference} for code, text in kept.items()}
    return ours | {"401": _NO_TOKEN}


def _with_errors(route: Mapping[str, Any]) -> dict[str, Any]:
    operation = dict(route["get"])
    operation["responses"] = {**operation["responses"], **_problems(has_body=False)}
    return {"get": operation}


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _page(described: Mapping[str, Any]) -> str:
    """The routes as a page, by subject."""
    subjects: dict[str, list[str]] = {}
    for method, path, operation in _operations(described["paths"]):
        row = f"| `{method.upper()} {path}` | {operation['summary']} |"
        subjects.setdefault(operation["tags"][0], []).append(row)
    lines = [
        "# The HTTP API",
        "",
        "Generated from the code by `python -m tasks.api.openapi`; the whole of it is `openapi.json`.",
        "",
        "Send `Authorization: Bearer …` with a token of the user pool. Every POST but a square-off and a kill",
        "takes an `Idempotency-Key` of yours: the same command sent again has one effect. (Those two have one",
        "without.) A PUT takes `If-Match` with the version you saw; if another stands: 409, with that one.",
        "",
    ]
    for subject in sorted(subjects):
        lines += [f"## {subject.capitalize()}", "", "| | |", "|---|---|", *subjects[subject], ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
