"""The lake's bucket, from the environment of a Lambda or of an operator's shell. Without Parquet."""

from __future__ import annotations

import os

import boto3
from botocore.config import Config

from tasks.objects import S3Objects

_CONFIG = Config(connect_timeout=2, read_timeout=30, retries={"mode": "standard", "max_attempts": 4})


class NoLake(Exception):
    """The environment does not say where the lake is; the message says what to set."""


def bucket() -> str:
    """The name of the lake's bucket.

    Raises
    ------
    NoLake
        If `LAKE_BUCKET` is not set.
    """
    name = os.environ.get("LAKE_BUCKET", "")
    if not name:
        raise NoLake("set LAKE_BUCKET to the lake's bucket: AlgoData's output LakeBucket has its name")
    return name


def lake_objects() -> S3Objects:
    """The lake's files.

    Raises
    ------
    NoLake
        If the environment does not say where they are.
    """
    return S3Objects(boto3.client("s3", config=_CONFIG), bucket())
