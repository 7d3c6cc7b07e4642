"""What can be wrong with a request, each with its HTTP status.

::

    Problem
     ├── Malformed        400  not JSON, or not what HTTP allows
     ├── Unauthenticated  401  no valid token
     ├── Forbidden        403  a command that needs another role, or the operator's leave
     ├── NotFound         404  not there, or somebody else's: the answer is the same
     ├── Conflict         409  someone was faster, or it contradicts what stands
     ├── TooLarge         413
     ├── NotJson          415
     ├── Refused          422  one line for each wrong field, its path first
     ├── VersionNeeded    428  say which version you saw
     └── Unavailable      503  try again
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Problem(Exception):
    """`message` is for people. It never holds a secret, or a hint of what is somebody else's."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def document(self) -> dict[str, Any]:
        return {"error": _snake(type(self).__name__), "message": self.message}


class Malformed(Problem):
    status = 400


class Unauthenticated(Problem):
    status = 401


class Forbidden(Problem):
    status = 403


class NotFound(Problem):
    status = 404


class Conflict(Problem):
    """`version` is the one that stands now, where the conflict is about an edit."""

    status = 409

    def __init__(self, message: str, *, version: int | None = None) -> None:
        super().__init__(message)
        self.version = version

    def document(self) -> dict[str, Any]:
        known = {} if self.version is None else {"version": self.version}
        return {**super().document(), **known}


class TooLarge(Problem):
    status = 413


class NotJson(Problem):
    status = 415


class Refused(Problem):
    """`problems` has one line for each wrong field."""

    status = 422

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)

    def document(self) -> dict[str, Any]:
        return {**super().document(), "problems": list(self.problems)}


class VersionNeeded(Problem):
    status = 428


class Unavailable(Problem):
    status = 503


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")
