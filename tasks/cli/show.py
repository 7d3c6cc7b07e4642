"""What the commands print: tables for people, JSON for programs. Never a secret: the API gives none out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from brokers.clock import IST
from tasks.cli.errors import ApiRefused, CliError

Column = tuple[str, Callable[[Mapping[str, Any]], str]]
WIDE = 240
"""Columns where no terminal says how wide it is."""

GREY, GREEN, RED, AMBER = "dim", "green", "red", "yellow"

_COLOURS = {
    "OPEN": GREEN, "FILLED": GREEN, "FLAT": GREEN, "ACTIVE": GREEN, "STARTED": GREEN, "COMPLETE": GREEN,
    "REJECTED": RED, "FAILED": RED, "UNKNOWN": RED,
    "MISSED": AMBER, "SKIPPED": AMBER, "PAUSED": AMBER, "EXITING": AMBER, "ENTERING": AMBER, "CANCELLED": AMBER,
}  # fmt: skip


@dataclass(slots=True)
class Screen:
    """Where a command prints. With `as_json` only JSON reaches stdout; errors are JSON on stderr.

    `field` narrows that to one field of the answer (of each row), as plain text.
    """

    as_json: bool = False
    field: str = ""
    out: Console = None  # type: ignore[assignment]
    err: Console = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.as_json = self.as_json or bool(self.field)
        self.out = self.out or Console(width=None if sys.stdout.isatty() else WIDE)
        self.err = self.err or Console(stderr=True)

    def say(self, text: str, document: Any = None) -> None:
        """One line for people; `document` for programs."""
        if self.as_json:
            self._json({"message": text} if document is None else document)
        else:
            self.out.print(text)

    def rows(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, nothing: str) -> None:
        if self.as_json:
            self._json(rows)
        elif rows:
            self.out.print(table(rows, columns))
        else:
            self.out.print(f"[{GREY}]{nothing}[/]")

    def document(self, document: Mapping[str, Any], lines: Iterable[tuple[str, str]]) -> None:
        if self.as_json:
            self._json(document)
            return
        grid = Table.grid(padding=(0, 2))
        for name, value in lines:
            grid.add_row(f"[{GREY}]{name}[/]", value)
        self.out.print(grid)

    def failed(self, error: CliError) -> None:
        reasons = list(error.reasons) if isinstance(error, ApiRefused) else []
        if self.as_json:
            body: dict[str, Any] = {"error": error.message, "reasons": reasons, "hint": error.hint}
            if isinstance(error, ApiRefused):
                body["status"] = error.status
            print(json.dumps(body), file=sys.stderr)
            return
        self.err.print(f"[{RED}]✗[/] {escape(error.message if not reasons else 'refused:')}")
        for reason in reasons:
            self.err.print(f"  • {escape(reason)}")
        if error.hint:
            self.err.print(f"  [{GREY}]→ {escape(error.hint)}[/]")

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """A spinner, while something takes long and a person looks on."""
        if self.as_json or not self.out.is_terminal:
            yield
            return
        with self.out.status(text):
            yield

    def _json(self, document: Any) -> None:
        if not self.field:
            print(json.dumps(document, indent=2, ensure_ascii=False))
            return
        for row in document if isinstance(document, list) else [document]:
            print(_plain(row.get(self.field)))


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading, _ in columns:
        made.add_column(
            heading, justify="right" if heading in _NUMBERS else "left", no_wrap=heading != "reason"
        )
    for row in rows:
        made.add_row(*(cell(row) for _, cell in columns))
    return made


_NUMBERS = ("quantity", "filled", "price", "P&L", "lots", "version", "multiplier", "entered", "closed")


def text(name: str) -> Callable[[Mapping[str, Any]], str]:
    """A field as it is."""
    return lambda row: escape(_plain(row.get(name)))


def status(name: str = "status") -> Callable[[Mapping[str, Any]], str]:
    def cell(row: Mapping[str, Any]) -> str:
        value = _plain(row.get(name))
        return f"[{_COLOURS[value]}]{escape(value)}[/]" if value in _COLOURS else escape(value)

    return cell


def clock(name: str) -> Callable[[Mapping[str, Any]], str]:
    """A moment, in India."""

    def cell(row: Mapping[str, Any]) -> str:
        value = row.get(name)
        return "" if not value else f"{datetime.fromisoformat(str(value)).astimezone(IST):%a %d %b %H:%M:%S}"

    return cell


def rupees(amount: Decimal) -> str:
    """`₹-1,200.00`, in colour."""
    return f"[{GREEN if amount >= 0 else RED}]₹{amount:,.2f}[/]"


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
