"""Days whose tables are DynamoDB's, by moto, which evaluates every expression itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import boto3
from moto import mock_aws

from tasks.stores.dynamodb import dynamodb_stores
from tests.faults.matrix import CELLS, FAULTS
from tests.faults.play import Scenario
from tests.faults.shapes import Shape
from tests.faults.storing import OnDynamoDB
from tests.stores.tables import create_tables

SHAPES = tuple(map(Shape.parse, ("2-1-instant", "4h-1-partial")))
_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@contextmanager
def on_moto() -> Iterator[OnDynamoDB]:
    """Empty tables."""
    with patch.dict(os.environ, _KEYS), mock_aws():
        client = boto3.client("dynamodb", region_name="ap-south-1")
        yield OnDynamoDB(client, dynamodb_stores(client, create_tables(client), pause=lambda seconds: None))


def sample() -> Iterator[Scenario]:
    """Each kind of fault at each fourth of its points, on two shapes."""
    for fault in FAULTS:
        for cell in [cell for cell in CELLS if cell.fault == fault][::4]:
            yield from (Scenario((cell,), shape, 0) for shape in SHAPES)
