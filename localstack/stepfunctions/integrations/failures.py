"""How AWS names what goes wrong in a call, for Retry and Catch.

Optimized integrations speak as version 1 of the Java SDK does (`DynamoDB.ConditionalCheckFailedException`),
the aws-sdk integrations as version 2 (`DynamoDb.ConditionalCheckFailedException`): a Catch with the other name
never matches, here as there.
"""

from __future__ import annotations

import re
from typing import Any

from localstack.stepfunctions.integrations.catalogue import Integration

_PREFIXES = {
    "lambda": "Lambda",
    "dynamodb": "DynamoDB",
    "sqs": "SQS",
    "sns": "SNS",
    "events": "EventBridge",
    "states": "StepFunctions",
}
_GENERAL = {
    "lambda": "AWSLambdaException",
    "dynamodb": "AmazonDynamoDBException",
    "sqs": "AmazonSQSException",
    "sns": "AmazonSNSException",
    "events": "AmazonEventBridgeException",
    "states": "AWSStepFunctionsException",
}
_SERVICES = {
    "lambda": "AWSLambda",
    "dynamodb": "AmazonDynamoDBv2",
    "sqs": "AmazonSQS",
    "sns": "AmazonSNS",
    "events": "AmazonEventBridge",
    "states": "AWSStepFunctions",
}
"""The name of a service in the cause, version 1 of the SDK."""

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


class CallFailed(Exception):
    """A call went wrong: the error's name and its cause, as the state gets them."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


def pascal(service_id: str) -> str:
    """`DynamoDB` → `DynamoDb`, `SFN` → `Sfn`, `Secrets Manager` → `SecretsManager` (version 2 of the SDK)."""
    return "".join(word.capitalize() for word in _WORDS.findall(service_id))


def refused(integration: Integration, model: Any, response: dict[str, Any]) -> CallFailed:
    """The service answered with an error. `model` is botocore's model of the operation."""
    error = response.get("Error", {})
    # Where SQS keeps the codes of its older protocol, botocore has the name of the error itself beside them.
    code, message = error.get("QueryErrorCode") or error.get("Code", "Unknown"), error.get("Message", "")
    meta = response.get("ResponseMetadata", {})
    status, request = meta.get("HTTPStatusCode", 400), meta.get("RequestId", "")
    return named(integration, model, code, message, (status, request))


def named(integration: Integration, model: Any, code: str, message: str, answer: tuple[int, str]) -> CallFailed:
    """`answer` is the HTTP status and the request's id."""
    status, request = answer
    short = code.rsplit(".", 1)[-1].rsplit("#", 1)[-1]
    if not integration.optimized:
        service_id = pascal(model.service_model.service_id)
        details = f"Service: {service_id}, Status Code: {status}, Request ID: {request}"
        return CallFailed(f"{service_id}.{_exception(short)}", f"{message} ({details})")
    service = integration.service
    known = any(short == shape.name for shape in model.error_shapes)
    name = _exception(short) if known else _GENERAL[service]
    if service == "lambda" and status >= 500:
        name = "ServiceException"
    details = (
        f"Service: {_SERVICES[service]}; Status Code: {status}; Error Code: {short}; Request ID: {request}"
    )
    return CallFailed(f"{_PREFIXES[service]}.{name}", f"{message} ({details}; Proxy: null)")


def _exception(code: str) -> str:
    return code if code.endswith("Exception") else f"{code}Exception"


def unreachable(integration: Integration, service_id: str, wrong: Exception) -> CallFailed:
    """No answer: the client itself failed. Nothing is known about whether the call was carried out."""
    prefix = _PREFIXES[integration.service] if integration.optimized else pascal(service_id)
    return CallFailed(f"{prefix}.SdkClientException", f"Unable to execute HTTP request: {wrong}")


def bad_arguments(wrong: Exception) -> CallFailed:
    """The arguments don't fit the operation. States.Runtime, as on AWS, which nothing catches but by name."""
    return CallFailed("States.Runtime", str(wrong).strip("'\""))
