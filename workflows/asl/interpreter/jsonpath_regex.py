"""Regular expressions of filters (`@.title =~ /b.*/i`), by RE2: the time they take grows with the text, never
exponentially, so that none can hang the process.

RE2 has no backreferences and no look-around; AWS's engine (Java's) has. Who writes one is told so.
"""

from __future__ import annotations

from collections.abc import Callable

import re2

MEMORY = 1 << 16
"""Bytes that one compiled expression may take, about a thousand instructions: what is larger is refused."""

FLAGS = "ims"
"""Java's `x` (comments) is refused."""

Matcher = Callable[[str], bool]


class InvalidPattern(ValueError):
    """Not a regular expression, or none that can be run in linear time."""


def compiled(pattern: str, flags: str) -> tuple[Matcher, int]:
    """What tells whether a whole text matches, and its steps for each character, at most.

    Raises
    ------
    InvalidPattern
        With RE2's reason.
    """
    if unknown := set(flags) - set(FLAGS):
        raise InvalidPattern(f"flag {''.join(sorted(unknown))} is not supported, only {FLAGS}")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MEMORY
    inline = f"(?{flags})" if flags else ""
    try:
        found = re2.compile(_bytes(inline + pattern), options=options)
    except re2.error as wrong:
        raise InvalidPattern(wrong.args[0].decode(errors="replace")) from None
    return lambda text: found.fullmatch(_bytes(text)) is not None, found.programsize


def _bytes(text: str) -> bytes:
    """JSON may hold half a surrogate pair, which UTF-8 has no form for."""
    return text.encode("utf-8", "surrogatepass")
