"""Where `open_lake` reads, from the environment."""

from __future__ import annotations

import os

from tasks.lake.reading import Place
from tasks.lake_bucket import bucket
from tasks.objects import TABLES


def lake_place() -> Place:
    """The lake's bucket, at the endpoint that boto3's variables name.

    Raises
    ------
    NoLake
        If `LAKE_BUCKET` is not set.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "ap-south-1"
    return Place(f"s3://{bucket()}/{TABLES}", endpoint=endpoint, region=region)
