"""What the platform must know of a Lambda that its code can't say: limits, tables, whether it may run twice.

Each task module has a `FUNCTION`. The state machines take time-outs and retry rules from it, `infra` makes
the function and its permissions from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Table(StrEnum):
    ORDERS = "orders"
    POSITIONS = "positions"
    RUNS = "runs"
    CALLBACKS = "callbacks"
    CATALOG = "catalog"
    MARKET = "market"
    EVENTS = "events"
    VIEWS = "views"

    @property
    def variable(self) -> str:
        """The environment variable that holds the table's name."""
        return f"{self.upper()}_TABLE"

    @property
    def placeholder(self) -> str:
        """The name that stands for the table in a state machine's definition."""
        return f"{self.capitalize()}Table"


class Lake(StrEnum):
    """What a function does with the lake's files."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    ARCHIVE = "archive"
    """Only the histories of executions, and only to put them there."""


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda.

    Parameters
    ----------
    name
        As people see it in the console, in CamelCase: `PlaceOrder`.
    module
        Its Python module, which has `handler`: `tasks.place_order`.
    timeout
        Seconds after which Lambda ends it. Longer than any HTTP time-out inside, shorter than the Task's.
    idempotent
        False where a second run could do harm: such a task is never retried by a state machine.
    reads, writes, deletes
        The tables it touches; `deletes` names those of `writes` whose items it may delete.
    broker
        It talks to a broker: it gets the accounts' secrets and the broker's dependencies.
    completes_callbacks
        It answers task tokens (SendTaskSuccess).
    sends_updates
        It puts order updates on the queue.
    keeps_secrets
        It creates, replaces and deletes the accounts' secrets.
    keeps_schedules
        It makes, changes, deletes and lists the strategies' schedules.
    starts
        The state machines it may start, by name: `("StrategyLifecycle",)`. Each one's ARN is in its
        environment, as `STRATEGY_LIFECYCLE_MACHINE`.
    watches
        The state machines whose executions it lists, by name. Each one's ARN is in its environment, as of those
        that it starts.
    scans
        Tables it reads from end to end: only what compares or rebuilds a whole one.
    fed_by
        Tables whose streams call it, with `batch_item_failures` answered.
    publishes
        It puts events on the bus that `EVENT_BUS` names.
    hears
        The detail types of the bus's events that call it; `("*",)` for all.
    follows
        State machines, by name, whose executions' failures and redrives call it.
    feeds_lake
        It puts messages into the lake's queue.
    lake
        What it does with the lake's files: its bucket is in the environment as `LAKE_BUCKET`.
    parquet
        It gets the layer with pyarrow and DuckDB.
    asks_lake
        It answers questions to the lake: on AWS by Athena, on one machine by DuckDB.
    keeps_reports
        It puts reports into their bucket, which is in the environment as `REPORTS_BUCKET`.
    sends_mail
        It mails, from the address in `MAIL_FROM`; where that is empty it may not.
    reads_histories
        It reads the histories of the state machines' executions.
    hears_endings
        The end of an execution calls it: EventBridge's status events of the platform's machines.
    asks_people
        It asks the user pool for users' e-mail addresses.
    http_timeout
        Seconds after which its slowest single request to a broker gives up; 0 where it makes none.
    """

    name: str
    module: str
    timeout: int = 10
    memory: int = 512
    idempotent: bool = True
    reads: tuple[Table, ...] = ()
    writes: tuple[Table, ...] = ()
    deletes: tuple[Table, ...] = ()
    broker: bool = False
    completes_callbacks: bool = False
    sends_updates: bool = False
    keeps_secrets: bool = False
    keeps_schedules: bool = False
    starts: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    scans: tuple[Table, ...] = ()
    fed_by: tuple[Table, ...] = ()
    publishes: bool = False
    hears: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    asks_people: bool = False
    feeds_lake: bool = False
    lake: tuple[Lake, ...] = ()
    parquet: bool = False
    asks_lake: bool = False
    keeps_reports: bool = False
    sends_mail: bool = False
    reads_histories: bool = False
    hears_endings: bool = False
    http_timeout: float = 0.0

    @property
    def placeholder(self) -> str:
        """The name that stands for the function's ARN in a state machine's definition."""
        return f"{self.name}Function"


def machine_variable(machine: str) -> str:
    """The environment variable that holds a state machine's ARN: `STRATEGY_LIFECYCLE_MACHINE`."""
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in machine)
    return f"{words.lstrip('_').upper()}_MACHINE"


EVENT_SOURCE = "algo"
"""`Source` of every event on the bus. The detail type is the event's name: `OrderFilled`."""
