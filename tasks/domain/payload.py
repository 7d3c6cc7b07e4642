"""The event a schedule sends to start the entry or the exit of a strategy's day."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, ValidationError, ValidationInfo, field_validator

from brokers.clock import IST
from tasks.domain.errors import InvalidPayload
from tasks.domain.explain import problems
from tasks.domain.fields import Dte, MaybeName, Model, Name, RunId, StrategyId, TimeOfDay, Weekday, Weekdays


class Payload(Model):
    """One event. `scheduled_time` decides the trading date, so a late delivery still means its own day.

    `run` is S for the schedule, M1, M2, … for runs started by hand, I0935 for a signal of the bar that closed
    then, and `signal` says which. `only_for` is the user who runs a published strategy by hand in their own
    accounts; "" is everybody who takes part.
    """

    user_id: Name
    basket_id: Name
    strategy_id: StrategyId
    transaction_type: Literal["ENTRY", "EXIT"]
    entry_time: TimeOfDay
    exit_time: TimeOfDay
    weekdays: Weekdays
    dte: Dte = ()
    scheduled_time: AwareDatetime
    run: RunId = "S"
    signal: Annotated[str, Field(max_length=4000)] = ""
    only_for: MaybeName = ""

    @property
    def told_to(self) -> str:
        """Whose run it is: who started it for themselves, else the strategy's owner."""
        return self.only_for or self.user_id

    @property
    def trading_date(self) -> date:
        return self.scheduled_time.astimezone(IST).date()

    @property
    def entry_at(self) -> datetime:
        return datetime.combine(self.trading_date, self.entry_time, IST)

    @property
    def exit_at(self) -> datetime:
        return datetime.combine(self.trading_date, self.exit_time, IST)

    @field_validator("exit_time", mode="after")
    @classmethod
    def _exit_after_entry(cls, exit_time: time, info: ValidationInfo) -> time:
        entry_time = info.data.get("entry_time")
        entering = info.data.get("transaction_type") == "ENTRY"
        if entering and entry_time is not None and exit_time <= entry_time:
            raise ValueError(f"{exit_time:%H:%M} is not after entry_time {entry_time:%H:%M}")
        return exit_time


_NEEDED_TO_EXIT = (
    "user_id",
    "basket_id",
    "strategy_id",
    "transaction_type",
    "exit_time",
    "scheduled_time",
    "run",
    "only_for",
)
_KNOWN = tuple(Payload.model_fields)


def parse_payload(document: Mapping[str, Any]) -> Payload:
    """The event that a JSON-shaped document describes.

    An EXIT is never stopped by what only an entry needs: where its other fields are wrong, they are dropped
    (any weekday, any DTE, and an `entry_time` that says nothing: the exit's own).

    Raises
    ------
    InvalidPayload
        Its text has one reason for each wrong field, the field's path first.
    """
    try:
        return _parse(document)
    except ValidationError as error:
        if isinstance(document, Mapping) and document.get("transaction_type") == "EXIT":
            return _parse_exit(document)
        raise InvalidPayload(problems(error, known=_KNOWN)) from None


def _parse_exit(document: Mapping[str, Any]) -> Payload:
    needed = {name: document[name] for name in _NEEDED_TO_EXIT if name in document}
    rest = {"entry_time": document.get("exit_time"), "weekdays": list(Weekday), "dte": None}
    try:
        return _parse(needed | rest)
    except ValidationError as error:
        raise InvalidPayload(problems(error, known=_KNOWN)) from None


def _parse(document: Mapping[str, Any]) -> Payload:
    return Payload.model_validate_json(json.dumps(document, default=str))
