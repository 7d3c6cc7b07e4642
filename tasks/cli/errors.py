"""What can go wrong on the command line. Each says what to do next.

::

    CliError
     ├── NotConnected    no API is known yet
     ├── NotSignedIn     nobody is signed in, or no longer
     ├── SignInRefused   the user pool said no
     ├── ApiRefused      the API said no, with its status and its reasons
     ├── Unreachable     nobody answered
     └── BadFile         a basket's file can't be read
"""

from __future__ import annotations

from collections.abc import Sequence


class CliError(Exception):
    """`hint` is what the person may do. Neither ever holds a secret."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    code = 1


class NotConnected(CliError):
    def __init__(self) -> None:
        super().__init__(
            "no platform is known yet",
            hint="algo connect --local, or algo connect --url … --client-id … --region …",
        )


class NotSignedIn(CliError):
    def __init__(self, message: str = "nobody is signed in") -> None:
        super().__init__(message, hint="algo sign-in --email you@example.com")


class SignInRefused(CliError):
    """`kind` is the user pool's name of the refusal, such as `CodeMismatchException`."""

    def __init__(self, kind: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind


class ApiRefused(CliError):
    def __init__(self, status: int, message: str, *, reasons: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reasons = tuple(reasons)


class Unreachable(CliError):
    pass


class BadFile(CliError):
    pass
