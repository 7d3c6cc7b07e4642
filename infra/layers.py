"""The two dependency layers, built for Lambda's platform without Docker: `python -m infra.layers`."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.settings import Settings


def layer_versions(scope: Construct, settings: Settings) -> list[lambda_.ILayerVersion]:
    return []
