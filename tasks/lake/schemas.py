"""One catalogue of everything that the lake holds: its kinds, their columns, the Arrow schema of each version.

A *kind* is a table and a folder: `order_events` holds OrderPlaced, OrderFilled and all others that say what an
order has come to. A file has the columns of all versions of its kind that the writer knew. Who reads adds the
columns that came later, empty: so a new version lies beside old files, and one query reads both.

- What a column is called never changes its type. A field with another meaning is another column.
- Prices are decimals of eight digits, money of two, quantities whole units, times UTC. The trading date (IST)
  is the partition: it is in the path of a file and a column of its table.
- `event_id` is unique within a kind. The same event may lie in two files after a crash; `tasks.lake.views`
  takes it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyarrow as pa

from tasks.domain import events as e

TEXT = pa.string()
WHOLE = pa.int64()
YES_NO = pa.bool_()
PRICE = pa.decimal128(18, 8)
"""Rupees a unit. Brokers give averages as floats: what is beyond eight digits is their noise, and rounded."""
MONEY = pa.decimal128(18, 2)
"""Rupees, to the paisa."""
TIME = pa.timestamp("us", tz="UTC")
DATE = pa.date32()
TEXTS = pa.list_(pa.string())

PARTITION = "trading_date"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind.

    Parameters
    ----------
    since
        By event, the version that brought the column, where it was not there from the first.
    json
        The value is a JSON object and is kept as its text, keys sorted.
    """

    name: str
    type: pa.DataType = TEXT
    since: Mapping[str, int] = field(default_factory=dict)
    json: bool = False

    def within(self, event: str, version: int) -> bool:
        return version >= self.since.get(event, 1)


@dataclass(frozen=True)
class Kind:
    """One table of the lake.

    Parameters
    ----------
    base
        The class of the events it holds; None where it holds something else.
    within
        The field of an event's data that has the columns' values; empty for the data itself.
    thing
        The columns that name the thing whose newest event is its state; empty where there is no such view.
    state
        The name of that view.
    kept
        The law makes us keep these records: on erasure they stay, without what tells whose they are.
    """

    name: str
    columns: tuple[Column, ...]
    base: type[e.DomainEvent] | None = None
    within: str = ""
    thing: tuple[str, ...] = ()
    state: str = ""
    kept: bool = False

    @cached_property
    def schema(self) -> pa.Schema:
        """Of a file: every column of every version. The partition is not among them."""
        return pa.schema([(column.name, column.type) for column in self.columns])

    @cached_property
    def table_schema(self) -> pa.Schema:
        """Of the table: the file's, and the partition."""
        return self.schema.append(pa.field(PARTITION, DATE))

    def version_schema(self, event: str, version: int) -> pa.Schema:
        """Of one version of one event."""
        return pa.schema([(c.name, c.type) for c in self.columns if c.within(event, version)])

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def extended(self, *columns: Column) -> Kind:
        """With further columns, at the end: how a newer version looks."""
        return replace(self, columns=(*self.columns, *columns))


def _columns(names: str, type_: pa.DataType = TEXT) -> tuple[Column, ...]:
    return tuple(Column(name, type_) for name in names.split())


ENVELOPE = (
    *_columns("event_id aggregate"),
    Column("sequence", WHOLE),
    Column("type"),
    Column("version", WHOLE),
    Column("recorded_at", TIME),
    *_columns("user_id cause"),
)
"""Of every event: `tasks.stores.journal.Recorded`, where `recorded_at` is called `at`."""

_OF_A_RUN = _columns("run_key account broker basket_id strategy_id")

ORDERS = Kind(
    "order_events",
    (
        *ENVELOPE,
        *_columns("order_id position_id"),
        *_OF_A_RUN,
        Column("purpose"),
        *_columns("leg slice attempt", WHOLE),
        *_columns("exchange symbol side"),
        Column("quantity", WHOLE),
        Column("product"),
        *_columns("limit_price quote", PRICE),
        *_columns("status broker_order_id"),
        Column("filled_quantity", WHOLE),
        Column("average_price", PRICE),
        Column("modifications", WHOLE),
        Column("reason"),
        *_columns("claimed_at sent_at updated_at", TIME),
    ),
    base=e.OfOrder,
    within="order",
    thing=("order_id",),
    state="orders",
    kept=True,
)

POSITIONS = Kind(
    "position_events",
    (
        *ENVELOPE,
        *_columns("position_id run_key account basket_id strategy_id exchange symbol side"),
        Column("entry_qty", WHOLE),
        Column("entry_price", PRICE),
        Column("exit_qty", WHOLE),
        Column("exit_price", PRICE),
        Column("realised", MONEY),
    ),
    base=e.OfPosition,
    within="position",
    thing=("position_id",),
    state="positions",
    kept=True,
)

RUNS = Kind(
    "run_events",
    (
        *ENVELOPE,
        *_OF_A_RUN,
        *_columns("underlying product phase"),
        *_columns("entry_until exit_at", TIME),
        *_columns("execution exit_execution"),
    ),
    base=e.OfAccountRun,
    within="run",
    thing=("run_key", "account"),
    state="runs",
    kept=True,
)

CLAIMS = Kind(
    "claim_events",
    (
        *ENVELOPE,
        *_columns("run_key side execution"),
        Column("claimed_at", TIME),
        *_columns("basket_id strategy_id status reason"),
    ),
    base=e.OfClaim,
    within="claim",
    thing=("run_key", "side"),
    state="claims",
    kept=True,
)

ROUNDS = Kind(
    "round_events",
    (
        *ENVELOPE,
        *_columns("run_key account"),
        Column("leg", WHOLE),
        Column("round", WHOLE),
        Column("orders", TEXTS),
    ),
    base=e.ExitRoundPlanned,
    kept=True,
)

CATALOG = Kind(
    "catalog_events",
    (
        *ENVELOPE,
        *_columns("owner basket_id strategy_id account"),
        Column("enabled", YES_NO),
        Column("document", json=True),
        Column("strategy_version", WHOLE),
        Column("schedules", json=True),
        Column("asked_at", TIME),
        Column("reason"),
    ),
    base=e.InCatalog,
)

OTHERS = Kind("other_events", (*ENVELOPE, Column("data", json=True)), base=e.DomainEvent)
"""The operator's, and whatever has no table of its own: the data as JSON."""

UPDATES = Kind(
    "order_updates",
    (
        *_columns("event_id source broker account user_id run_key order_id broker_order_id tag symbol side"),
        *_columns("quantity filled_quantity", WHOLE),
        *_columns("average_price price", PRICE),
        *_columns("status reason"),
        Column("updated_at", TIME),
        Column("body", json=True),
    ),
    kept=True,
)
"""What brokers said of orders, word for word: `body` is theirs, without secrets."""

EXECUTIONS = Kind(
    "executions",
    (
        *_columns("event_id execution machine name status"),
        *_columns("started_at stopped_at", TIME),
        Column("redrives", WHOLE),
        *_columns("error cause"),
        Column("events", WHOLE),
        *_columns("history user_id basket_id strategy_id run_key account"),
    ),
)
"""How executions ended; `history` is the key of what they went through. A redriven one ends several times."""

LEG_PNL = Kind(
    "leg_pnl",
    (
        Column("event_id"),
        Column("version", WHOLE),
        *_columns("user_id account broker basket_id basket strategy_id strategy"),
        *_columns("run_key position_id exchange symbol"),
        *_columns("traded_orders bought sold", WHOLE),
        *_columns("buy_value sell_value realised unrealised gross", MONEY),
        *_columns("brokerage stt exchange_fee sebi protection_fund stamp gst charges net", MONEY),
    ),
)
"""The daily report's twin: what each leg earned on a day, and what it was charged.

`version` is when it was made, in seconds since 1970: a day that is reported again replaces what was said.
"""

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (ORDERS, POSITIONS, RUNS, CLAIMS, ROUNDS, CATALOG, OTHERS, UPDATES, EXECUTIONS, LEG_PNL)
}
"""Every table of the lake by its name."""


def kind_of(event: type[e.DomainEvent]) -> Kind:
    """The kind that holds an event: that of the nearest of its classes."""
    by_base = {kind.base: kind for kind in KINDS.values() if kind.base}
    return next(by_base[base] for base in event.__mro__ if base in by_base)


def schemas() -> dict[tuple[str, int], pa.Schema]:
    """The Arrow schema of every event in each of its versions."""
    return {
        (name, version): kind_of(event).version_schema(name, version)
        for name, event in e.CATALOGUE.items()
        for version in range(1, event.version + 1)
    }
