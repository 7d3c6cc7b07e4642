"""A batch of messages becomes files: one for each kind and trading date, named by the events in it.

A file is whole or not there. Killed at any point, the batch comes again from the queue: the same batch makes
the same keys and the same bytes; another mix of the same events makes another file, and the views take each
event once. So nothing has to be remembered, and no total changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from tasks.lake.erasures import Erasures
from tasks.lake.messages import Landing, Unreadable, landing_of
from tasks.lake.parquet import WrongRow, encode, key, table
from tasks.lake.schemas import KINDS, Kind
from tasks.objects import Objects

Place = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the queue."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that can never be written, and why."""

    message: Message
    reason: str


@dataclass(slots=True)
class Written:
    """What became of a batch.

    Attributes
    ----------
    keys
        The files that were written.
    rows
        The events in them.
    poison
        What can't be written at all.
    again
        Ids of messages whose file the store did not take: they have to come again.
    """

    keys: list[str] = field(default_factory=list)
    rows: int = 0
    poison: list[Poison] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


def write(messages: Iterable[Message], objects: Objects, kinds: Mapping[str, Kind] = KINDS) -> Written:
    """Write what can be written. Raises nothing: a message that fails takes no other with it."""
    done = Written()
    erased = Erasures.load(objects)
    places: dict[Place, list[tuple[Message, Landing]]] = defaultdict(list)
    for message in messages:
        try:
            landing = erased.applied(landing_of(message.body, kinds))
        except Unreadable as error:
            done.poison.append(Poison(message, str(error)))
        else:
            if landing is not None:
                places[landing.kind.name, landing.day].append((message, landing))
    for landings in places.values():
        _write_file(landings, objects, done)
    return done


def _write_file(landings: Sequence[tuple[Message, Landing]], objects: Objects, done: Written) -> None:
    try:
        _put([landing for _, landing in landings], objects, done)
    except WrongRow as error:
        _one_by_one(landings, objects, done, error)
    except Exception as error:  # noqa: BLE001  (whatever the store has: these come again, the others are done)
        done.again += [message.id for message, _ in landings]
        _log(error, landings)


def _one_by_one(
    landings: Sequence[tuple[Message, Landing]], objects: Objects, done: Written, error: WrongRow
) -> None:
    """A row that does not fit hides among others: find it, and write the rest."""
    if len(landings) == 1:
        done.poison.append(Poison(landings[0][0], str(error)))
        return
    fitting = []
    for message, landing in landings:
        try:
            table(landing.kind, [landing.row])
        except WrongRow as wrong:
            done.poison.append(Poison(message, str(wrong)))
        else:
            fitting.append((message, landing))
    if fitting:
        _write_file(fitting, objects, done)


def _put(landings: Sequence[Landing], objects: Objects, done: Written) -> None:
    once = {landing.event_id: landing for landing in landings}
    kind, day = landings[0].kind, landings[0].day
    name = key(kind.name, day, once)
    objects.put(name, encode(table(kind, [landing.row for landing in once.values()])))
    done.keys.append(name)
    done.rows += len(once)


def _log(error: Exception, landings: Sequence[tuple[Message, Landing]]) -> None:
    from tasks.lambda_task import logger  # noqa: PLC0415  (Powertools only where something is logged)

    logger.exception(
        "a file could not be written",
        extra={"error": type(error).__name__, "kind": landings[0][1].kind.name, "events": len(landings)},
    )
