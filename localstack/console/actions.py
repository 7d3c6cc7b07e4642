"""What people do from the page: redrive, start, stop, log in. Each is one call, made once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localstack.console.api import Api, Refused
from localstack.console.follow import Following
from localstack.console.listing import Listing
from tasks.masking import MASK, masked_text

Json = dict[str, Any]
Login = Callable[[str], None]
"""Makes a new session for an account and stores it where the functions look."""

_NAME = re.compile(r"[A-Za-z0-9_.+!@()=-]{1,80}\Z")


class BadRequest(ValueError):
    """What was asked cannot be done as it was asked; the message says which field and why."""


@dataclass(frozen=True, slots=True)
class Actions:
    """The actions, by the names the page uses."""

    api: Api
    following: Following
    listing: Listing
    log_in: Login | None = None

    async def redrive(self, body: Mapping[str, Any]) -> Json:
        arn = _text(body, "arn")
        await self.api.call("redrive_execution", executionArn=arn)
        self._poke(arn)
        return {"say": "Redriven: it goes on where it failed.", "arn": arn}

    async def stop(self, body: Mapping[str, Any]) -> Json:
        arn = _text(body, "arn")
        await self.api.call(
            "stop_execution",
            executionArn=arn,
            error="StoppedByPerson",
            cause=_text(body, "cause", "Stopped on the page"),
        )
        self._poke(arn)
        return {"say": "Stopped.", "arn": arn}

    async def start(self, body: Mapping[str, Any]) -> Json:
        text = _text(body, "input")
        if MASK in text:
            raise BadRequest("input: it holds a masked secret; put the real value in, or leave it out")
        try:
            json.loads(text)
        except ValueError as wrong:
            raise BadRequest(f"input: not JSON ({wrong})") from None
        more: Json = {}
        if name := _text(body, "name", ""):
            if not _NAME.match(name):
                raise BadRequest("name: 1 to 80 letters, digits and - _ . + ! @ ( ) =")
            more["name"] = name
        started = await self.api.call(
            "start_execution", stateMachineArn=_text(body, "machine"), input=text, **more
        )
        self.listing.poke()
        return {"say": "Started.", "arn": started["executionArn"]}

    async def login(self, body: Mapping[str, Any]) -> Json:
        account = _text(body, "account")
        if self.log_in is None:
            raise BadRequest("account: log in at the broker; this page can do it on the local platform only")
        try:
            await asyncio.to_thread(self.log_in, account)
        except LookupError:
            raise BadRequest(f"account: {account} is not known to the simulator") from None
        except Exception as wrong:  # noqa: BLE001  (whatever the broker's login says goes to the person, masked)
            raise Refused(type(wrong).__name__, masked_text(str(wrong))) from None
        return {"say": f"{account} is logged in. Now redrive.", "account": account}

    def _poke(self, arn: str) -> None:
        self.following.poke(arn)
        self.listing.poke()


def _text(body: Mapping[str, Any], field: str, usual: str | None = None) -> str:
    value = body.get(field, usual)
    if not isinstance(value, str) or (usual is None and not value):
        raise BadRequest(f"{field}: expected text")
    return value
