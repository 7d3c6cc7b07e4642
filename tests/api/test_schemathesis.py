"""schemathesis against the API: whatever it sends, the answer is one that the document promises."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tasks.api.openapi import document
from tests.api.world import World, linked, published
from tests.api.wsgi import application

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def _world() -> World:
    """With something in it, so that not every answer is 404."""
    world = World()
    linked(world, world.user("fuzz", "admin"), "ZA1234")
    published(world)
    return world


schema = schemathesis.openapi.from_dict(document())
schema.app = application(_world())


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_promised(case: Any) -> None:
    case.call_and_validate(headers={"Authorization": "Bearer fuzz"}, checks=CHECKS)
