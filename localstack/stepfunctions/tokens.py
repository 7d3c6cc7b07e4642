"""Task tokens: which task each belongs to, and which are void."""

from __future__ import annotations

import hashlib
import re

from localstack.stepfunctions.errors import ApiError

_FORM = re.compile(r"AQ[A-Za-z0-9+/]{86}\Z")

Owner = tuple[str, str]
"""(execution ARN, task)"""


def _digest(token: str) -> bytes:
    return hashlib.blake2b(token.encode(), digest_size=16).digest()


class Tokens:
    """Tokens of tasks in flight, and a short trace of every one that was."""

    def __init__(self) -> None:
        self._owners: dict[str, Owner] = {}
        self._tokens: dict[Owner, str] = {}
        self._void: set[bytes] = set()

    def issue(self, token: str, owner: Owner) -> None:
        self._owners[token] = owner
        self._tokens[owner] = token

    def void(self, owner: Owner) -> None:
        token = self._tokens.pop(owner, None)
        if token is not None:
            del self._owners[token]
            self._void.add(_digest(token))

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
        if _digest(token) in self._void:
            raise ApiError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
        raise ApiError("TaskDoesNotExist", "Task does not exist: 'Provided task does not exist'")
