"""Step Functions' public API, called from asyncio within a pace, and its errors by meaning.

::

    ApiTrouble
     ├── Missing         there is no such execution or machine
     ├── NotOffered      this endpoint does not know the operation
     ├── Refused         understood, and refused: the message says why
     └── Unreachable     no answer, throttled, or not allowed to ask
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from localstack.console.pace import Budget, Pace
from tasks.masking import masked_text

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

Answer = Mapping[str, Any]


class ApiTrouble(Exception):
    """A call failed. `code` is AWS's own name for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Missing(ApiTrouble):
    """There is no such execution or machine (any more)."""


class NotOffered(ApiTrouble):
    """This endpoint does not know the operation."""


class Refused(ApiTrouble):
    """The endpoint understood the request and refused it."""


class Unreachable(ApiTrouble):
    """No answer, too many requests, or no permission: nothing is known."""


_MISSING = ("ExecutionDoesNotExist", "StateMachineDoesNotExist", "ResourceNotFound")
_NOT_OFFERED = (
    "UnknownOperationException",
    "InvalidAction",
    "UnknownOperation",
    "NotImplemented",
    "501",
    "404",
    "405",
)
_UNREACHABLE = ("ThrottlingException", "RequestLimitExceeded", "AccessDeniedException", "ExpiredTokenException")


class Api:
    """The operations this page uses, within the budgets of its pace."""

    def __init__(self, client: SFNClient, pace: Pace) -> None:
        self._client = client
        self._budgets = {
            name: Budget(rate, burst, time.monotonic) for name, (rate, burst) in pace.budgets.items()
        }

    async def call(self, operation: str, **arguments: Any) -> Answer:
        """One call, by its name in boto3.

        Raises
        ------
        ApiTrouble
            Whatever went wrong, by meaning. Messages hold no secret.
        """
        if (budget := self._budgets.get(operation)) is not None:
            await budget.take()
        try:
            answer: Answer = await asyncio.to_thread(getattr(self._client, operation), **arguments)
        except ClientError as error:
            raise _meaning(error) from None
        except BotoCoreError as error:
            raise Unreachable(type(error).__name__, masked_text(str(error))) from None
        return answer


def _meaning(error: ClientError) -> ApiTrouble:
    code = error.response.get("Error", {}).get("Code", "")
    message = masked_text(error.response.get("Error", {}).get("Message", "") or code)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if code in _MISSING:
        return Missing(code, message)
    if code in _NOT_OFFERED:
        return NotOffered(code, message)
    if code in _UNREACHABLE or status >= 500:
        return Unreachable(code, message)
    return Refused(code, message)
