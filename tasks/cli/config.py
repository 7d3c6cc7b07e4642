"""What the command line keeps between two commands: which platform, and who is signed in.

In `$ALGO_CONFIG_DIR`, else `$XDG_CONFIG_HOME/algo`, else `~/.config/algo`. The tokens are in a file of their
own that only its owner can read; neither file is ever printed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tasks.cli.errors import NotConnected, NotSignedIn

PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Connection:
    """One platform. `sign_in_url` is the page of the code flow, empty where there is none."""

    url: str
    client_id: str
    region: str
    identity_url: str
    sign_in_url: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Who is signed in. `expires_at` is the wall's seconds since 1970."""

    email: str
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True)
class Config:
    """The folder, and what is in it."""

    folder: Path

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Config:
        given = environment.get("ALGO_CONFIG_DIR")
        if given:
            return cls(Path(given))
        home = environment.get("XDG_CONFIG_HOME") or str(
            Path(environment.get("HOME", "~")).expanduser() / ".config"
        )
        return cls(Path(home) / "algo")

    def connection(self) -> Connection:
        """Raises `NotConnected` before the first `algo connect`."""
        read = self._read("connection.json")
        if read is None:
            raise NotConnected
        return Connection(**read)

    def connect(self, connection: Connection) -> None:
        """Remember the platform. Whoever was signed in at another one no longer is."""
        self._write("connection.json", asdict(connection))
        self.forget_tokens()

    def tokens(self) -> Tokens:
        """Raises `NotSignedIn`."""
        read = self._read("tokens.json")
        if read is None:
            raise NotSignedIn
        return Tokens(**read)

    def remember(self, tokens: Tokens) -> None:
        self._write("tokens.json", asdict(tokens))

    def forget_tokens(self) -> None:
        (self.folder / "tokens.json").unlink(missing_ok=True)

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def _write(self, name: str, document: dict[str, Any]) -> None:
        """Whole or not at all, and never for a moment readable by others."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f"{name}.new"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
            json.dump(document, file, indent=1)
        os.replace(draft, self.folder / name)
