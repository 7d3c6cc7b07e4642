"""Questions to the lake: a few that ship as SQL files, and SQL of one's own, each over the caller's rows alone.

`scope.py` narrows the text to its user; `duck.py` answers it on one machine and `athena.py` on AWS.
"""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

By = Literal["strategy", "basket", "account", "day"]


class Ask(BaseModel):
    """Either one of the questions that ship, between two trading dates, or SQL."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: Literal["pnl", "slippage", "orders"] | None = None
    by: By = "strategy"
    since: date | None = None
    until: date | None = None
    status: Annotated[str, Field(pattern="^[A-Z]{0,20}$")] = ""
    sql: str = ""

    @model_validator(mode="after")
    def _one_of_them(self) -> Ask:
        if bool(self.question) == bool(self.sql):
            raise ValueError("ask one of the questions, or SQL")
        if self.question and (self.since is None or self.until is None):
            raise ValueError("say from when and to when: since, until")
        return self

    def text(self) -> tuple[str, tuple[str, ...]]:
        """The SQL, and what stands for its question marks."""
        if self.sql:
            return self.sql, ()
        days = (str(self.since), str(self.until))
        if self.question == "pnl":
            return sql_of(f"pnl_by_{self.by}"), days
        if self.question == "slippage":
            return sql_of("slippage"), days
        return (sql_of("orders"), (*days, self.status)) if self.status else (sql_of("all_orders"), days)


class Told(BaseModel):
    """An answer. Decimals, dates and times are text; times are UTC. `more` says that rows were left out."""

    columns: list[str]
    rows: list[list[str | int | float | bool | None]]
    more: bool = False


MOST_ROWS = 1000
"""Of one answer. Whoever wants more adds them up in SQL, or asks for less time at once."""


class NoAnswer(Exception):
    """The engine could not answer; the message has its reason, for whoever asked."""


NAMES = ("pnl_by_strategy", "pnl_by_basket", "pnl_by_account", "pnl_by_day", "slippage", "orders", "all_orders")


def sql_of(name: str) -> str:
    """The text of a question that ships."""
    return (files("tasks.questions") / f"{name}.sql").read_text(encoding="utf-8")
