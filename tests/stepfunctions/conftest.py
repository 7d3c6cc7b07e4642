"""The endpoint as its users have it: a process of its own, asked through an unmodified boto3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stepfunctions.durable import Durable
from tests.stepfunctions.endpoint import Endpoint
from tests.stepfunctions.fake_aws import FakeAws


@pytest.fixture(scope="session")
def aws() -> Iterator[FakeAws]:
    fake = FakeAws()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def endpoint(aws: FakeAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    durable = Durable(tmp_path_factory.mktemp("endpoint"), aws.url)
    try:
        yield durable.start()
    finally:
        durable.stop()


@pytest.fixture
def durable(aws: FakeAws, tmp_path: Path) -> Iterator[Durable]:
    """An endpoint of the test's own, which may be killed."""
    own = Durable(tmp_path, aws.url)
    yield own
    own.stop()


@pytest.fixture(autouse=True)
def _fresh(aws: FakeAws) -> None:
    aws.functions.clear()
    aws.invocations.clear()
    aws.items.clear()
    aws.messages.clear()
    aws.events.clear()
