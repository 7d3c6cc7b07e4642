"""What a strategy's signals have done today: when it may enter again, and what of it is open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tasks.domain import items
from tasks.domain.indicators import Indicators
from tasks.domain.stored import version_of
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun, Change, Phase

_SIGNALLED = re.compile(r".*-I\d{4}")
_SETTLES = timedelta(minutes=3)
"""After a signal in which its run may not have planned an account yet."""


def run_of(bar_closed: datetime) -> str:
    """The run that a bar starts, I0935: a bar has one name, so it can't start two."""
    return f"I{bar_closed:%H%M}"


def signalled(run_key: str) -> bool:
    return _SIGNALLED.fullmatch(run_key) is not None


@dataclass(slots=True)
class Today:
    """One strategy's signals of one day. `document` is what stands in the catalog, with its version."""

    strategy_id: str
    day: date
    document: Mapping[str, Any]
    plans: Sequence[AccountRun] = field(default_factory=tuple)

    @property
    def open_plans(self) -> list[AccountRun]:
        return [plan for plan in self.plans if plan.phase is not Phase.FLAT]

    def why_not(self, rules: Indicators, now: datetime) -> str | None:
        """Why it may not enter now, None if it may."""
        entries = self.document.get("entries", [])
        if len(entries) >= rules.max_entries:
            return f"has entered {len(entries)} times today, at most {rules.max_entries}"
        if self.open_plans:
            return f"run {self.open_plans[0].run_key} is open"
        if not entries:
            return None
        last = entries[-1]
        if now < datetime.fromisoformat(last["at"]) + _SETTLES and not self._planned(last["run"]):
            return f"run {last['run']} is being started"
        pause = timedelta(minutes=rules.pause_minutes)
        if pause and now < (resumes := self._flat_since(now) + pause):
            return f"pauses until {resumes:%H:%M}"
        return None

    def fired(self, run: str) -> dict[str, Any] | None:
        """The entry that this run's bar has started already."""
        return next((one for one in self.document.get("entries", []) if one["run"] == run), None)

    def with_entry(self, run: str, *, at: datetime, why: str) -> dict[str, Any]:
        entries = [*self.document.get("entries", []), {"run": run, "at": at.isoformat(), "why": why}]
        return {"entries": entries, "version": version_of(self.document or None) + 1}

    def seen_flat(self, now: datetime) -> dict[str, Any] | None:
        """What to write when the last run is found flat for the first time: the pause begins."""
        entries = self.document.get("entries", [])
        if not entries or "flat_at" in entries[-1] or self.open_plans or not self._planned(entries[-1]["run"]):
            return None
        last = {**entries[-1], "flat_at": now.isoformat()}
        return {"entries": [*entries[:-1], last], "version": version_of(self.document) + 1}

    def _flat_since(self, now: datetime) -> datetime:
        last = self.document["entries"][-1]
        return datetime.fromisoformat(last["flat_at"]) if "flat_at" in last else now

    def _planned(self, run: str) -> bool:
        return any(plan.run_key.endswith(f"-{run}") for plan in self.plans)


def todays(
    rt: Runtime, keys: Iterable[tuple[str, str]], day: date, plans: Sequence[AccountRun]
) -> dict[tuple[str, str], Today]:
    """By owner and strategy."""
    wanted = list(keys)
    found = rt.stores.catalog.get_many((items.SIGNALS, items.entries(*key, day)) for key in wanted)
    by_strategy: dict[str, list[AccountRun]] = {}
    for plan in plans:
        if signalled(plan.run_key):
            by_strategy.setdefault(plan.strategy_id, []).append(plan)
    return {
        key: Today(
            key[1],
            day,
            found.get((items.SIGNALS, items.entries(*key, day)), {}),
            by_strategy.get(key[1], ()),
        )
        for key in wanted
    }


def write(
    rt: Runtime, key: tuple[str, str], today: Today, document: dict[str, Any], *, expires: datetime
) -> bool:
    """False if another scan of the same minute was faster."""
    change = Change(
        items.SIGNALS,
        items.entries(*key, today.day),
        document,
        expected=version_of(today.document or None),
        expires_at=expires,
    )
    return not rt.stores.catalog.commit([change])
