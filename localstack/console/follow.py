"""Following one execution: its history is read a part at a time, once for everybody who looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from localstack.console.api import Answer, Api, ApiTrouble, Missing
from localstack.console.pace import Pace
from localstack.console.steps import Event, Frame, Status, Step
from localstack.console.story import Story

FIRST_PAGE = 1000
NEWS_PAGE = 50
"""Events asked for when only news is wanted; more pages follow if there is more news than that."""


@dataclass(slots=True)
class Followed:
    """One execution as far as it is known. `revision` grows with every change."""

    arn: str
    story: Story = field(default_factory=Story)
    events: list[Event] = field(default_factory=list)
    described: Answer = field(default_factory=dict)
    trouble: str = ""
    """Why the last look failed; "" if it did not."""
    revision: int = 0
    watchers: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _steps: dict[int, int] = field(default_factory=dict)
    _frames: dict[int, int] = field(default_factory=dict)

    def since(self, revision: int) -> tuple[list[Step], list[Frame]]:
        """The steps and frames that have changed after that revision."""
        steps = [self.story.steps[number] for number, at in self._steps.items() if at > revision]
        frames = [self.story.frames[number] for number, at in self._frames.items() if at > revision]
        return steps, frames

    def note(self) -> None:
        """Count a revision, with what the story says has changed."""
        self.revision += 1
        steps, frames = self.story.take_touched()
        self._steps |= {step.id: self.revision for step in steps}
        self._frames |= {frame.id: self.revision for frame in frames}


class Following:
    """All executions that are or were being watched. Those nobody watches are kept, and not asked about."""

    def __init__(self, api: Api, pace: Pace, *, keep: int = 40) -> None:
        self._api = api
        self._pace = pace
        self._keep = keep
        self._followed: dict[str, Followed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def watch(self, arn: str) -> AsyncIterator[Followed]:
        """Follow an execution for as long as the context lasts.

        Raises
        ------
        ApiTrouble
            If the first look fails.
        """
        followed = await self.look(arn)
        followed.watchers += 1
        if arn not in self._tasks:
            self._tasks[arn] = asyncio.create_task(self._keep_following(followed))
        try:
            yield followed
        finally:
            followed.watchers -= 1
            if followed.watchers == 0 and (task := self._tasks.pop(arn, None)) is not None:
                task.cancel()

    async def look(self, arn: str) -> Followed:
        """What is known of an execution, read up to this moment unless somebody watches it anyway."""
        followed = self._followed.get(arn)
        if followed is None:
            followed = Followed(arn)
            await self._read(followed)
            followed = self._followed.setdefault(arn, followed)
            self._forget_oldest()
        elif followed.watchers == 0 and _may_go_on(followed):
            await self._read(followed)
        return followed

    def poke(self, arn: str) -> None:
        """Look at once: something was done to it."""
        if (followed := self._followed.get(arn)) is not None:
            followed.wake.set()

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _forget_oldest(self) -> None:
        idle = [arn for arn, followed in self._followed.items() if followed.watchers == 0]
        for arn in idle[: max(0, len(self._followed) - self._keep)]:
            del self._followed[arn]
            self._locks.pop(arn, None)

    async def _keep_following(self, followed: Followed) -> None:
        pause = 0.0
        while True:
            running = followed.story.status is Status.RUNNING
            beat = self._pace.history if running else self._pace.ended
            try:
                await asyncio.wait_for(followed.wake.wait(), pause or beat.fast)
                followed.wake.clear()
                pause = 0.0
            except TimeoutError:
                pass
            pause = beat.after(pause, news=await self._news(followed))

    async def _news(self, followed: Followed) -> bool:
        """Look once more; True if there was anything new."""
        before = followed.revision
        try:
            await self._read(followed)
            trouble = ""
        except ApiTrouble as wrong:
            trouble = str(wrong)
        if trouble != followed.trouble:
            followed.trouble = trouble
            followed.note()
        if followed.revision == before:
            return False
        async with followed.changed:
            followed.changed.notify_all()
        return True

    async def _read(self, followed: Followed) -> None:
        """Read what is new. The description is asked for again only when the status may have changed."""
        async with self._locks.setdefault(followed.arn, asyncio.Lock()):
            status, redrives = followed.story.status, followed.story.redrives
            fresh = await self._fresh(followed)
            followed.story.read(fresh)
            followed.events += fresh
            moved = (followed.story.status, followed.story.redrives) != (status, redrives)
            if moved or not followed.described:
                followed.described = await self._describe(followed.arn)
            if fresh or moved or followed.revision == 0:
                followed.note()

    async def _describe(self, arn: str) -> Answer:
        try:
            return await self._api.call("describe_execution", executionArn=arn)
        except Missing:
            return {"executionArn": arn}

    async def _fresh(self, followed: Followed) -> list[Event]:
        """The events after the last known one: from the start at first, later from the end backwards."""
        last = followed.story.last
        if last == 0:
            return await self._all(followed.arn)
        found: list[Event] = []
        token: str | None = None
        while True:
            page = await self._page(followed.arn, NEWS_PAGE, token, reverse=True)
            new = [event for event in page["events"] if event["id"] > last]
            found += new
            token = page.get("nextToken")
            if len(new) < len(page["events"]) or token is None:
                return found[::-1]

    async def _all(self, arn: str) -> list[Event]:
        found: list[Event] = []
        token: str | None = None
        while True:
            page = await self._page(arn, FIRST_PAGE, token, reverse=False)
            found += page["events"]
            token = page.get("nextToken")
            if token is None:
                return found

    async def _page(self, arn: str, size: int, token: str | None, *, reverse: bool) -> Answer:
        more: dict[str, Any] = {"nextToken": token} if token else {}
        return await self._api.call(
            "get_execution_history", executionArn=arn, maxResults=size, reverseOrder=reverse, **more
        )


def _may_go_on(followed: Followed) -> bool:
    """Running, or ended in a way that can be redriven."""
    return followed.story.status is not Status.SUCCEEDED
