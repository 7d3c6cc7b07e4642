"""The OpenAPI document and its page are what the code says."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.api.openapi import DOCS, document, files


@pytest.mark.parametrize("name", sorted(files()))
def test_what_is_committed_is_what_the_code_makes(name: str) -> None:
    committed = (DOCS / name).read_text(encoding="utf-8")
    assert committed == files()[name], "run: python -m tasks.api.openapi"


def test_every_route_asks_for_a_token_but_the_public_ones() -> None:
    described = document()
    assert described["security"] == [{"token": []}]
    public = [path for path, methods in described["paths"].items() if "security" in methods.get("get", {})]
    assert public == ["/callback/{account}", "/health"]


def test_every_operation_has_its_name_and_its_problems() -> None:
    found = [op for methods in document()["paths"].values() for op in methods.values()]
    names = [op["operationId"] for op in found]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert all("404" in op["responses"] for op in found if op["operationId"] != "health")


def _all_references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_all_references, value.values()))
    if isinstance(value, list):
        return set().union(*map(_all_references, value))
    return set()


def test_no_reference_leads_nowhere() -> None:
    described = document()
    named = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert _all_references(described) <= named
