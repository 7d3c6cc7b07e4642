"""schemathesis against the API as it runs on the local platform: tokens, HTTP API, Lambda, tables and all.

It comes after the story's own tests. `tests/api/test_schemathesis.py` sends far more, without the platform.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from localstack.people import Person
from tasks.api.openapi import document
from tests.story.play import PASSWORD, Story

pytestmark = [pytest.mark.slow, pytest.mark.platform]

schema = schemathesis.openapi.from_dict(document())
schema.config.phases.update(phases=["fuzzing"])


@pytest.fixture(scope="module")
def eve(story: Story) -> Person:
    """Somebody without any rights but her own."""
    return Person.arrives(story.platform, "eve@example.com", PASSWORD)


@schema.parametrize()
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_a_server_error(case: Any, story: Story, eve: Person) -> None:
    tokens = eve.api.tokens
    assert tokens is not None
    case.call_and_validate(
        base_url=story.platform.site.api_url,
        headers={"Authorization": f"Bearer {tokens.id_token}"},
        checks=[not_a_server_error, status_code_conformance, response_schema_conformance],
    )
