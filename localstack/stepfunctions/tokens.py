"""Task tokens: which task each belongs to, and which are void."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from localstack.stepfunctions.errors import ApiError

_FORM = re.compile(r"AQ[A-Za-z0-9+/]{86}\Z")

Owner = tuple[str, str]
"""(execution ARN, task)"""


@dataclass(slots=True)
class Tokens:
    """Tokens of tasks in flight. `was_issued` says whether a token that is not among them ever was one."""

    was_issued: Callable[[str], bool]
    _owners: dict[str, Owner] = field(default_factory=dict)
    _tokens: dict[Owner, str] = field(default_factory=dict)

    def issue(self, token: str, owner: Owner) -> None:
        self._owners[token] = owner
        self._tokens[owner] = token

    def void(self, owner: Owner) -> None:
        token = self._tokens.pop(owner, None)
        if token is not None:
            del self._owners[token]

    def owner(self, token: str) -> Owner:
        """The task that waits for this token. The token itself is in no message: it is a secret.

        Raises
        ------
        ApiError
            InvalidToken if it is no token at all, TaskTimedOut if its task waits no more (completed, timed out,
            aborted), TaskDoesNotExist if no task ever had it.
        """
        owner = self._owners.get(token)
        if owner is not None:
            return owner
        if not _FORM.match(token):
            raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
        if self.was_issued(token):
            raise over()
        raise ApiError("TaskDoesNotExist", "Task does not exist: 'Provided task does not exist'")


def over() -> ApiError:
    return ApiError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
