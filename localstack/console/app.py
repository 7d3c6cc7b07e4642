"""HTTP: the page, what it reads (GET, and streams of server-sent events), and what it does (POST only)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from brokers.clock import Clock
from localstack.console.actions import Actions, BadRequest
from localstack.console.api import Answer, Api, ApiTrouble, Missing, NotOffered, Refused
from localstack.console.follow import Followed, Following
from localstack.console.front import Front, problem
from localstack.console.guard import COOKIE, Guard, NotAllowed
from localstack.console.listing import Listing, Row
from localstack.console.trade import Trades
from localstack.console.views import (
    children_of,
    detail_view,
    events_view,
    execution_view,
    facts_of,
    frame_view,
    step_view,
)
from tasks.masking import masked_text

Json = dict[str, Any]
MAX_BODY = 512 * 1024
"""Bytes of an action: an execution's input has at most 256 KiB."""
KEEP_ALIVE = 15.0
"""Seconds after which a silent stream says that it is still there."""
PARENTS_LOOKED_AT = 4
FACTS_PATIENCE = 3.0
"""Seconds to wait for what other executions are about, when somebody asks for the way back."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a console is started with."""

    place: str
    """Where the executions are, for people: an endpoint's URL, or a profile and a region."""
    bundle: Path
    """The folder with the built page."""
    read_only: bool = False
    trade_pause: float = 1.0
    """Seconds between two looks at the tables."""


class Console:
    """The routes, over everything they need."""

    def __init__(
        self,
        *,
        setup: Setup,
        api: Api,
        following: Following,
        listing: Listing,
        actions: Actions,
        trades: Trades | None,
        guard: Guard,
        clock: Clock,
    ) -> None:
        self._setup = setup
        self._api = api
        self._following = following
        self._listing = listing
        self._actions = actions
        self._trades = trades
        self._guard = guard
        self._clock = clock
        self._definitions: dict[str, Json] = {}

    def app(self) -> Starlette:
        """The ASGI application."""
        acts = {name: getattr(self._actions, name) for name in ("redrive", "start", "stop", "login")}
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/execution/{arn:path}", self.page),
                Mount("/assets", StaticFiles(directory=self._setup.bundle, check_dir=False)),
                Route("/api/executions", self.executions),
                Route("/api/executions/stream", self.stream_executions),
                Route("/api/execution", self.execution),
                Route("/api/execution/stream", self.stream_execution),
                Route("/api/execution/step", self.step),
                Route("/api/execution/events", self.events),
                Route("/api/execution/family", self.family),
                Route("/api/execution/trade", self.trade),
                Route("/api/executions/older", self.action(self._older), methods=["POST"]),
                *(
                    Route(f"/api/actions/{name}", self.action(act, acts=True), methods=["POST"])
                    for name, act in acts.items()
                ),
            ],
            middleware=[Middleware(Front, guard=self._guard)],
            exception_handlers={NotAllowed: _refused, BadRequest: _bad, ApiTrouble: _troubled},
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        self._following.close()
        self._listing.close()

    # --- the page ---

    async def page(self, request: Request) -> Response:
        """The page itself; everything else it fetches."""
        shell = self._setup.bundle / "index.html"
        if not shell.exists():
            return HTMLResponse(
                "<title>Not built</title><p>The page is not built yet: run <code>make page</code>.", 503
            )
        session = request.cookies.get(COOKIE) or self._guard.new_session()
        told = {
            "token": self._guard.token(session),
            "place": self._setup.place,
            "readOnly": self._setup.read_only,
            "canLogIn": self._actions.log_in is not None,
            "tradePause": self._setup.trade_pause,
        }
        html = shell.read_text().replace(
            "{{setup}}", json.dumps(told).replace('"', "&quot;").replace("<", "&lt;")
        )
        response = HTMLResponse(html)
        response.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/")
        return response

    # --- the list ---

    async def executions(self, _: Request) -> Response:
        """The whole list, once."""
        await self._listing.look()
        return JSONResponse(self._list_view(0))

    async def stream_executions(self, request: Request) -> Response:
        """The list, and then each change of it."""
        return _stream(self._list_changes(request))

    async def _list_changes(self, request: Request) -> AsyncIterator[Json | None]:
        async with self._listing.watch() as listing:
            seen = -1
            while not await request.is_disconnected():
                if listing.revision != seen:
                    view, seen = self._list_view(max(0, seen)), listing.revision
                    yield view
                if not await _wait(listing, seen):
                    yield None

    def _list_view(self, revision: int) -> Json:
        listing = self._listing
        return {
            "rows": [row.json() for row in listing.since(revision)],
            "machines": listing.machines,
            "trouble": listing.trouble,
            "more": bool(listing.more),
            "now": self._clock.now().timestamp(),
        }

    async def _older(self, _: Json) -> Json:
        return {"found": await self._listing.older()}

    # --- one execution ---

    async def execution(self, request: Request) -> Response:
        """The execution and the definition it runs."""
        followed = await self._following.look(_arn(request))
        return JSONResponse({**execution_view(followed, self._clock.now()), **await self._definition(followed)})

    async def _definition(self, followed: Followed) -> Json:
        """The definition that this execution ran, which may not be the machine's newest."""
        if followed.arn in self._definitions:
            return self._definitions[followed.arn]
        machine = followed.described.get("stateMachineArn", "")
        found: Answer = {}
        try:
            found = await self._api.call("describe_state_machine_for_execution", executionArn=followed.arn)
        except (NotOffered, Missing, Refused):
            if machine:
                found = await self._api.call("describe_state_machine", stateMachineArn=machine)
        name = found.get("name") or machine.rsplit(":", 1)[-1]
        told = {"machineName": name, "definition": masked_text(found.get("definition", "")) or None}
        if len(self._definitions) > 200:
            self._definitions.clear()
        self._definitions[followed.arn] = told
        return told

    async def stream_execution(self, request: Request) -> Response:
        """Its steps so far, and then each change."""
        arn = _arn(request)
        await self._following.look(arn)  # so that what is wrong is said with a status code
        return _stream(self._changes(request, arn))

    async def _changes(self, request: Request, arn: str) -> AsyncIterator[Json | None]:
        async with self._following.watch(arn) as followed:
            seen = 0
            while not await request.is_disconnected():
                if followed.revision != seen:
                    view, seen = self._change_view(followed, seen), followed.revision
                    yield view
                if not await _wait(followed, seen):
                    yield None

    def _change_view(self, followed: Followed, revision: int) -> Json:
        steps, frames = followed.since(revision)
        return {
            "reset": revision == 0,
            "execution": execution_view(followed, self._clock.now()),
            "steps": [step_view(step) for step in steps],
            "frames": [frame_view(frame) for frame in frames],
        }

    async def step(self, request: Request) -> Response:
        """One step with its data."""
        followed = await self._following.look(_arn(request))
        step = followed.story.steps.get(_number(request, "step", 0))
        if step is None:
            return problem(404, "StepDoesNotExist", "This execution has no such step.")
        return JSONResponse(detail_view(followed, step))

    async def events(self, request: Request) -> Response:
        """One page of the history."""
        followed = await self._following.look(_arn(request))
        view = events_view(
            followed,
            kind=request.query_params.get("type", ""),
            text=request.query_params.get("text", ""),
            step=_number(request, "step", 0),
            page=_number(request, "page", 1),
            newest=request.query_params.get("order") == "newest",
        )
        return JSONResponse(view)

    async def family(self, request: Request) -> Response:
        """The executions that started this one, and those it started."""
        arn = _arn(request)
        followed = await self._following.look(arn)
        rows = self._listing.rows
        children = [
            rows[child].json() if child in rows else {"arn": child}
            for child in children_of(followed.story.steps)
        ]
        return JSONResponse({"parents": await self._parents(followed), "children": children})

    async def _parents(self, followed: Followed) -> list[Json]:
        """Executions of the same run and side whose history names this one."""
        facts = facts_of(followed)
        if not facts["run_key"] or not facts["account"]:
            return []
        alike = self._of_run(followed.arn, facts)
        if not alike:
            await self._listing.settled(FACTS_PATIENCE)
            alike = self._of_run(followed.arn, facts)
        found = []
        for row in alike[:PARENTS_LOOKED_AT]:
            parent = await self._following.look(row.arn)
            if followed.arn in children_of(parent.story.steps):
                found.append(row.json())
        return found

    def _of_run(self, child: str, facts: Json) -> list[Row]:
        """Executions that are about the whole of the child's run."""
        return [
            row
            for row in self._listing.rows.values()
            if row.arn != child
            and not row.facts.account
            and (row.facts.run_key, row.facts.side) == (facts["run_key"], facts["side"])
        ]

    async def trade(self, request: Request) -> Response:
        """Legs, orders and fills of the run this execution belongs to."""
        followed = await self._following.look(_arn(request))
        facts = facts_of(followed)
        if self._trades is None or not facts["run_key"]:
            return JSONResponse({"run_key": "", "accounts": [], "trouble": ""})
        view = await asyncio.to_thread(self._trades.of_run, facts["run_key"], facts["account"])
        return JSONResponse({**view, "now": self._clock.now().timestamp()})

    # --- actions ---

    def action(
        self, act: Callable[[Json], Awaitable[Json]], *, acts: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """A route that does something: a POST of the page itself, with its token."""

        async def route(request: Request) -> Response:
            self._guard.check_action(request)
            if acts and self._setup.read_only:
                raise NotAllowed("this page was started read-only")
            return JSONResponse(await act(await _body(request)))

        return route


def _arn(request: Request) -> str:
    arn = request.query_params.get("arn", "")
    if not arn.startswith("arn:"):
        raise BadRequest("arn: expected an execution's ARN")
    return arn


def _number(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return usual
    if not text.isdecimal() or len(text) > 9:
        raise BadRequest(f"{name}: expected a number")
    return int(text)


async def _body(request: Request) -> Json:
    parts = b""
    async for part in request.stream():
        parts += part
        if len(parts) > MAX_BODY:
            raise BadRequest(f"body: more than {MAX_BODY} bytes")
    try:
        body = json.loads(parts or b"{}")
    except (ValueError, RecursionError):
        raise BadRequest("body: not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("body: not a JSON object")
    return body


async def _wait(watched: Listing | Followed, seen: int) -> bool:
    """Until there is news, or (False) it is time to say that the stream lives."""
    try:
        async with asyncio.timeout(KEEP_ALIVE), watched.changed:
            await watched.changed.wait_for(lambda: watched.revision != seen)
    except TimeoutError:
        return False
    return True


def _stream(views: AsyncIterator[Json | None]) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        async for view in views:
            yield b": alive\n\n" if view is None else b"data: " + json.dumps(view).encode() + b"\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


async def _refused(_: Request, wrong: Exception) -> Response:
    return problem(403, "NotAllowed", f"Refused: {wrong}.")


async def _bad(_: Request, wrong: Exception) -> Response:
    return problem(400, "BadRequest", str(wrong))


async def _troubled(_: Request, wrong: Exception) -> Response:
    statuses: dict[type[Exception], int] = {Missing: 404, NotOffered: 501, Refused: 409}
    code = wrong.code if isinstance(wrong, ApiTrouble) else type(wrong).__name__
    return problem(statuses.get(type(wrong), 502), code, str(wrong))
