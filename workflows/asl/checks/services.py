"""Which services Step Functions reaches, and under which names."""

from __future__ import annotations

from functools import lru_cache

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel, OperationNotFoundError, ServiceModel

from workflows.asl.resources import Call

OPTIMIZED: dict[str, tuple[str, ...]] = {
    "dynamodb:getItem": (),
    "dynamodb:putItem": (),
    "dynamodb:updateItem": (),
    "dynamodb:deleteItem": (),
    "events:putEvents": ("Entries",),
    "lambda:invoke": ("Payload",),
    "sns:publish": ("Message",),
    "sqs:sendMessage": ("MessageBody",),
    "states:startExecution": ("Input",),
}
"""The optimized integrations known here, and which arguments take an object where the API takes text."""

_PATTERNS: dict[str, tuple[str, ...]] = {
    "events:putEvents": ("", "waitForTaskToken"),
    "lambda:invoke": ("", "waitForTaskToken"),
    "sns:publish": ("", "waitForTaskToken"),
    "sqs:sendMessage": ("", "waitForTaskToken"),
    "states:startExecution": ("", "sync", "sync:2", "waitForTaskToken"),
}

BOTOCORE_NAMES = {
    "cloudwatchlogs": "logs",
    "costexplorer": "ce",
    "eventbridge": "events",
    "sfn": "stepfunctions",
    "states": "stepfunctions",
}
"""Step Functions' name of a service → botocore's, where they differ."""

_OPTIMIZED_PREFIXES = {
    "dynamodb": "DynamoDB",
    "events": "EventBridge",
    "lambda": "Lambda",
    "sns": "SNS",
    "sqs": "SQS",
    "states": "StepFunctions",
}
_SDK_PREFIXES = {
    "cloudwatchlogs": "CloudWatchLogs",
    "dynamodb": "DynamoDb",
    "eventbridge": "EventBridge",
    "lambda": "Lambda",
    "s3": "S3",
    "secretsmanager": "SecretsManager",
    "sfn": "Sfn",
    "sns": "Sns",
    "sqs": "Sqs",
    "ssm": "Ssm",
}

COMMON_ERRORS = frozenset(
    {
        "AccessDeniedException",
        "AWSLambdaException",
        "AWSStepFunctionsException",
        "AmazonDynamoDBException",
        "InternalServerErrorException",
        "RequestLimitExceededException",
        "SdkClientException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "TooManyRequestsException",
        "ValidationException",
    }
)
"""What any call can end with, though no operation's model lists it."""


def operation(call: Call) -> OperationModel:
    """botocore's model of what is called.

    Raises
    ------
    LookupError
        If there is no such service, operation, optimized integration or pattern.
    """
    key = f"{call.service}:{call.action}"
    if not call.sdk and key not in OPTIMIZED:
        raise LookupError(f"{key} is no optimized integration: use sdk=True, or one of {', '.join(OPTIMIZED)}")
    allowed = ("", "waitForTaskToken") if call.sdk else _PATTERNS.get(key, ("",))
    if call.pattern not in allowed:
        raise LookupError(
            f"{key} can't be used with .{call.pattern}: it has {' '.join(allowed).strip() or 'none'}"
        )
    service = service_model(BOTOCORE_NAMES.get(call.service, call.service))
    if not call.action[:1].islower():
        raise LookupError(f"{call.action} begins with a capital: write {camel(call.action)}")
    try:
        return service.operation_model(call.action[:1].upper() + call.action[1:])
    except OperationNotFoundError:
        raise LookupError(f"{call.service} has no operation {call.action}: see its API reference") from None


@lru_cache
def service_model(name: str) -> ServiceModel:
    """botocore's model of a service, read once."""
    try:
        return ServiceModel(Loader().load_service_model(name, "service-2"), name)
    except UnknownServiceError:
        raise LookupError(f"there is no service {name}: name it as the AWS SDK for Java does") from None


def error_prefix(call: Call) -> str:
    """What the names of a call's errors begin with: `DynamoDB` optimized, `DynamoDb` by aws-sdk."""
    if not call.sdk:
        return _OPTIMIZED_PREFIXES[call.service]
    return _SDK_PREFIXES.get(call.service, call.service.capitalize())


def camel(name: str) -> str:
    return name[:1].lower() + name[1:]
