"""One call, made in a thread of its own: from the arguments of a state to its result."""

from __future__ import annotations

import json
from typing import Any

from localstack.stepfunctions.integrations import failures, values
from localstack.stepfunctions.integrations.catalogue import Integration
from localstack.stepfunctions.integrations.clients import Clients
from localstack.stepfunctions.integrations.failures import CallFailed
from workflows.asl.interpreter.data import Json, dumps


def perform(clients: Clients, integration: Integration, arguments: Json) -> Json:
    """Call, and give the result as the state gets it.

    Raises
    ------
    CallFailed
        With the error's name and cause, for Retry and Catch.
    """
    if integration.function is not None:
        return _invoke(clients, integration, {"FunctionName": integration.function, "Payload": arguments})[0]
    if integration.service == "lambda" and integration.optimized:
        payload, response = _invoke(clients, integration, arguments)
        answer = {"ExecutedVersion": response.get("ExecutedVersion", "$LATEST"), "Payload": payload}
        return {**answer, **values.metadata(response), "StatusCode": response.get("StatusCode", 200)}
    model, response = _call(clients, integration, arguments)
    result: dict[str, Json] = values.to_result(model.output_shape, response)
    return {**result, **values.metadata(response)} if integration.optimized else result


def _invoke(clients: Clients, integration: Integration, arguments: Json) -> tuple[Json, dict[str, Any]]:
    """A function's payload, and the whole answer."""
    given = dict(arguments)
    given["Payload"] = dumps(given.get("Payload", {}))
    _, response = _call(clients, integration, given)
    text = response["Payload"].read().decode()
    if response.get("FunctionError"):
        raise CallFailed(_error_type(text), text)
    return _loaded(text), response


def _loaded(text: str) -> Json:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _error_type(text: str) -> str:
    """A function's exception surfaces under its class name; without one, AWS says Lambda.Unknown."""
    answer = _loaded(text)
    name = answer.get("errorType") if isinstance(answer, dict) else None
    return name if isinstance(name, str) and name else "Lambda.Unknown"


def _call(clients: Clients, integration: Integration, arguments: Json) -> tuple[Any, dict[str, Any]]:
    """botocore's model of the operation, and its answer."""
    from botocore import xform_name  # noqa: PLC0415
    from botocore.exceptions import (  # noqa: PLC0415  (with boto3, on the first call)
        BotoCoreError,
        ClientError,
        ParamValidationError,
        UnknownServiceError,
    )

    try:
        client = clients.get(integration.service)
        model = _operation(client, integration.action)
        request = values.to_request(model.input_shape, arguments) if model.input_shape is not None else {}
        method = getattr(client, xform_name(model.name))
    except (UnknownServiceError, KeyError, ValueError) as wrong:
        raise failures.bad_arguments(wrong) from None
    try:
        return model, method(**request)
    except ClientError as wrong:
        raise failures.refused(integration, model, dict(wrong.response)) from None
    except ParamValidationError as wrong:
        raise failures.bad_arguments(wrong) from None
    except BotoCoreError as wrong:
        raise failures.unreachable(integration, model.service_model.service_id, wrong) from None


def _operation(client: Any, action: str) -> Any:
    """`putItem` → botocore's PutItem."""
    service = client.meta.service_model
    wanted = action.lower()
    name = next((name for name in service.operation_names if name.lower() == wanted), None)
    if name is None:
        raise KeyError(f"{service.service_id} has no operation {action}")
    return service.operation_model(name)
