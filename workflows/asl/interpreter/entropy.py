"""Where chance comes from: given from outside, so that the same happenings always give the same state."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from typing import Protocol


class Entropy(Protocol):
    """Everything in an execution that is not determined by its input and by what happens to it."""

    def token(self) -> str:
        """A new task token."""

    def uuid(self) -> str:
        """A new version 4 UUID, for States.UUID."""

    def fraction(self) -> float:
        """A number in [0, 1), for jitter and States.MathRandom."""


class SeededEntropy:
    """Entropy that gives the same sequence for the same seed. The seed is as secret as the tokens."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        self._tokens = 0

    def token(self) -> str:
        self._tokens += 1
        digest = hashlib.sha512(f"{self._seed}/{self._tokens}".encode()).digest()
        return "AQ" + base64.b64encode(digest).decode().rstrip("=")

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def fraction(self) -> float:
        return self._random.random()
