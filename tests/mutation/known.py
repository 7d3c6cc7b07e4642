"""Survivors that somebody has looked at, and why they may live: by module, line of code and change."""

from __future__ import annotations

from tests.mutation.mutants import Mutant, text_of

KNOWN: dict[tuple[str, str, str], str] = {}


def why(mutant: Mutant) -> str:
    """Why it may live; empty where nobody has said so."""
    return KNOWN.get((mutant.module, text_of(mutant), mutant.what), "")
