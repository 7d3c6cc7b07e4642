"""boto3's clients of one running platform. The endpoints are given, so that no real account is ever reached."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from localstack.site import ACCOUNT_ID, REGION, Site

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cognito_idp.client import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_stepfunctions.client import SFNClient

_PATIENT = Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 2})


class Aws:
    """One client per service, made when it is first needed."""

    def __init__(self, site: Site) -> None:
        self._url = site.aws_url
        self._step_functions_url = site.step_functions_url
        self._session = boto3.Session(
            aws_access_key_id=ACCOUNT_ID,
            aws_secret_access_key="local",  # noqa: S106  (an emulator's)
            region_name=REGION,
        )

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return self._session.client("cloudformation", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def events(self) -> EventBridgeClient:
        return self._session.client("events", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def identity(self) -> CognitoIdentityProviderClient:
        return self._session.client("cognito-idp", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self._session.client("dynamodb", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def functions(self) -> LambdaClient:
        return self._session.client("lambda", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def s3(self) -> S3Client:
        return self._session.client("s3", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def scheduler(self) -> EventBridgeSchedulerClient:
        return self._session.client("scheduler", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        return self._session.client("secretsmanager", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def sqs(self) -> SQSClient:
        return self._session.client("sqs", endpoint_url=self._url, config=_PATIENT)

    @cached_property
    def step_functions(self) -> SFNClient:
        return self._session.client("stepfunctions", endpoint_url=self._step_functions_url, config=_PATIENT)
