"""`python -m tasks.event_docs`: write `docs/events.md` from the catalogue of events."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from tasks.domain import events as e
from tasks.spec import EVENT_SOURCE

PATH = Path(__file__).parents[1] / "docs" / "events.md"

_INTRODUCTION = f"""# Events

Everything that happens on the platform, in the past tense. This page is generated from `tasks/domain/events.py`
by `python -m tasks.event_docs`; a test compares them.

Each change of the tables `catalog`, `orders`, `positions` and `runs` comes through the table's stream to
RecordEvents, which writes its events into the `events` table exactly once and then puts them on the
EventBridge bus `algo`, at least once. There `source` is `{EVENT_SOURCE}`, `detail-type` the event's name, and
`detail`:

| field | what it is |
|---|---|
| `aggregate` | whose events these are: one item of one table, such as `orders:N7K3M9Q2XWBTZ4HJD101` |
| `sequence` | counts the aggregate's events from 1, without a gap; with `aggregate` it identifies the event |
| `type`, `version` | the event's name and the version of its schema |
| `at` | when it was recorded, ISO 8601 |
| `user_id` | whom it concerns: a user's id, or `marketplace`, `egress`, `platform` |
| `cause` | the position in the table's stream: events of one change share it |
| `data` | what is listed below |

A listener that goes by (`aggregate`, `sequence`), forward only, sees each event once. Each carries the state it
left behind, so whoever missed one is right again with the next. No event holds a secret, a token or a proxy's
address. Read-models are folds of events: `python -m tasks.rebuild` makes them anew, to the same bytes.
"""

_CHAPTERS: tuple[tuple[str, tuple[type[e.DomainEvent], ...]], ...] = (
    ("People and their baskets", (e.OfProfile, e.OfBasket, e.OfStrategy, e.OfSubscription)),
    ("Broker accounts and the operator", (e.OfAccount, e.OfFeed, e.OfEgress, e.PlatformChanged)),
    ("Runs", (e.OfClaim, e.OfEnd, e.OfAccountRun, e.ExitRoundPlanned, e.EntriesHalted, e.EntriesReleased)),
    ("Orders", (e.OfOrder,)),
    ("Positions", (e.OfPosition, e.ExternalActivityDetected)),
    ("An account's day", (e.OfAccountDay,)),
)


def document() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, *(_chapter(title, bases) for title, bases in _CHAPTERS)]
    return "\n".join(parts)


def events_in(bases: tuple[type[e.DomainEvent], ...]) -> list[type[e.DomainEvent]]:
    return [event for event in e.CATALOGUE.values() if issubclass(event, bases)]


def _chapter(title: str, bases: tuple[type[e.DomainEvent], ...]) -> str:
    lines = [f"## {title}", "", "| event | version | when | data |", "|---|---|---|---|"]
    events = events_in(bases)
    lines += [f"| `{event.name()}` | {event.version} | {_when(event)} | {_data(event)} |" for event in events]
    for facts in _facts(events):
        lines += ["", f"`{_noun(facts)}`: {_data(facts)}."]
    return "\n".join([*lines, ""])


def _when(event: type[e.DomainEvent]) -> str:
    return " ".join(inspect.cleandoc(event.__doc__ or "").split())


def _data(model: type[BaseModel]) -> str:
    return ", ".join(f"`{name}`" for name in model.model_fields)


def _facts(events: list[type[e.DomainEvent]]) -> Iterator[type[BaseModel]]:
    """The states that several events of a chapter carry, each once."""
    seen: dict[str, type[BaseModel]] = {}
    for event in events:
        for field in event.model_fields.values():
            if isinstance(field.annotation, type) and issubclass(field.annotation, e.Facts):
                seen.setdefault(field.annotation.__name__, field.annotation)
    return iter(seen.values())


def _noun(facts: type[BaseModel]) -> str:
    nouns = {
        "ClaimFacts": "claim",
        "AccountRunFacts": "run",
        "EndFacts": "end",
        "OrderFacts": "order",
        "PositionFacts": "position",
        "DayFacts": "day",
    }
    return nouns[facts.__name__]


def main() -> None:
    PATH.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{PATH}\n")


if __name__ == "__main__":
    main()
