"""The executions of all machines, newest first, kept up to date while somebody looks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from localstack.console.api import Api, ApiTrouble, Missing
from localstack.console.facts import Facts, from_input, from_name
from localstack.console.pace import Pace

PAGE = 1000
NEWS_PAGE = 50
FULL_LOOK_EVERY = 10
"""Every so many looks the whole page is read, for what has changed far down (a redrive of an old execution)."""
FACTS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. Times are epoch seconds, so that the browser needs no time zone of ours."""

    arn: str
    name: str
    machine: str
    status: str
    start: float
    stop: float | None
    redrives: int
    facts: Facts = field(default_factory=Facts)

    def json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Listing:
    """Everybody's list. `revision` grows with every change; `at` says in which one a row changed last."""

    api: Api
    pace: Pace
    machines: dict[str, str] = field(default_factory=dict)
    """Names by ARN."""
    rows: dict[str, Row] = field(default_factory=dict)
    at: dict[str, int] = field(default_factory=dict)
    revision: int = 0
    trouble: str = ""
    more: dict[str, str] = field(default_factory=dict)
    """Where to go on, by machine, if it has more executions than were read."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _facts: dict[str, Facts] = field(default_factory=dict)
    _wanted: deque[str] = field(default_factory=deque)
    _watchers: int = 0
    _task: asyncio.Task[None] | None = None
    _facts_task: asyncio.Task[None] | None = None
    _looks: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Listing]:
        """Keep the list fresh for as long as the context lasts."""
        await self.look()
        self._watchers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._keep_looking())
        try:
            yield self
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                self.close()

    def close(self) -> None:
        for task in (self._task, self._facts_task):
            if task is not None:
                task.cancel()
        self._task = self._facts_task = None

    def poke(self) -> None:
        self.wake.set()

    def since(self, revision: int) -> list[Row]:
        """Rows that have changed after that revision, newest first."""
        rows = [self.rows[arn] for arn, at in self.at.items() if at > revision]
        return sorted(rows, key=lambda row: row.start, reverse=True)

    async def look(self) -> None:
        """Look once. What goes wrong is kept in `trouble`: the list is shown as far as it is known."""
        async with self._lock:
            try:
                news, trouble = await self._read(), ""
            except ApiTrouble as wrong:
                news, trouble = False, str(wrong)
            if news or trouble != self.trouble:
                self.trouble = trouble
                self.revision += not news
        self._ask_for_facts()

    async def settled(self, seconds: float) -> None:
        """Look, and wait until it is known what every row is about, but no longer than that."""
        await self.look()
        if self._facts_task is not None:
            await asyncio.wait([self._facts_task], timeout=seconds)

    async def older(self) -> int:
        """Read one more page of every machine that has more; how many executions that gave."""
        found = 0
        async with self._lock:
            for machine, token in list(self.more.items()):
                found += await self._page(machine, PAGE, token)
                self.revision += 1
        self._ask_for_facts()
        return found

    async def _keep_looking(self) -> None:
        pause = 0.0
        while True:
            try:
                await asyncio.wait_for(self.wake.wait(), pause or self.pace.listing.fast)
                self.wake.clear()
                pause = 0.0
            except TimeoutError:
                pass
            before = self.revision
            await self.look()
            news = self.revision != before
            if news:
                await self._tell()
            pause = self.pace.listing.after(pause, news=news)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    # --- reading ---

    async def _read(self) -> bool:
        full = self._looks % FULL_LOOK_EVERY == 0
        self._looks += 1
        if full:
            await self._read_machines()
        before = dict(self.at)
        self.revision += 1
        for machine in list(self.machines):
            await self._page(machine, PAGE if full else NEWS_PAGE)
        if self.at == before:
            self.revision -= 1
            return False
        return True

    async def _read_machines(self) -> None:
        found: dict[str, str] = {}
        more: dict[str, Any] = {}
        while True:
            page = await self.api.call("list_state_machines", maxResults=PAGE, **more)
            found |= {each["stateMachineArn"]: each["name"] for each in page["stateMachines"]}
            if (token := page.get("nextToken")) is None:
                break
            more = {"nextToken": token}
        self.machines = found

    async def _page(self, machine: str, size: int, token: str | None = None) -> int:
        more: dict[str, Any] = {"nextToken": token} if token else {}
        try:
            page = await self.api.call("list_executions", stateMachineArn=machine, maxResults=size, **more)
        except Missing:
            return 0  # deleted since it was listed
        for execution in page["executions"]:
            self._take(execution)
        if size == PAGE:
            self._remember_more(machine, page.get("nextToken"), first=token is None)
        return len(page["executions"])

    def _remember_more(self, machine: str, token: str | None, *, first: bool) -> None:
        if token is None and not first:
            self.more.pop(machine, None)
        elif token is not None and (not first or machine not in self.more):
            self.more[machine] = token

    def _take(self, execution: Mapping[str, Any]) -> None:
        arn = execution["executionArn"]
        row = Row(
            arn=arn,
            name=execution["name"],
            machine=self.machines.get(execution["stateMachineArn"], execution["stateMachineArn"]),
            status=execution["status"],
            start=_seconds(execution["startDate"]),
            stop=_seconds(execution["stopDate"]) if execution.get("stopDate") else None,
            redrives=execution.get("redriveCount") or 0,
            facts=self._known(arn, execution["name"]),
        )
        if self.rows.get(arn) != row:
            self._put(row)

    def _put(self, row: Row) -> None:
        self.rows[row.arn] = row
        self.at[row.arn] = self.revision

    # --- what they are about ---

    def _known(self, arn: str, name: str) -> Facts:
        """From the name, or from the input, which is asked for later."""
        facts = self._facts.get(arn)
        if facts is None:
            facts = from_name(name)
            if facts is None:
                self._wanted.append(arn)
                facts = Facts()
            self._facts[arn] = facts
        return facts

    def _ask_for_facts(self) -> None:
        if self._wanted and self._facts_task is None:
            self._facts_task = asyncio.create_task(self._learn())

    async def _learn(self) -> None:
        try:
            while self._wanted:
                some = [self._wanted.popleft() for _ in range(min(FACTS_AT_ONCE, len(self._wanted)))]
                inputs = await asyncio.gather(*map(self._input, some))
                self.revision += 1
                for arn, text in zip(some, inputs, strict=True):
                    self._learned(arn, from_input(text))
                await self._tell()
        finally:
            self._facts_task = None

    def _learned(self, arn: str, facts: Facts) -> None:
        self._facts[arn] = facts
        row = self.rows.get(arn)
        if row is not None and facts != row.facts:
            self._put(Row(row.arn, row.name, row.machine, row.status, row.start, row.stop, row.redrives, facts))

    async def _input(self, arn: str) -> object:
        try:
            return (await self.api.call("describe_execution", executionArn=arn)).get("input")
        except ApiTrouble:
            return None  # then the row goes without


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
