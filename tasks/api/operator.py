"""What an admin decides: who may link accounts, and the proxies that orders leave through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.api.answers import EgressAnswer, PlatformAnswer
from tasks.api.current import Asking, routes
from tasks.api.documents import document_of
from tasks.api.here import Here
from tasks.api.parameters import EgressBody, EgressIn, IfMatch, NamePath, PlatformIn
from tasks.api.problems import Conflict, Refused
from tasks.api.transaction import Effect, expect, perform
from tasks.domain import items
from tasks.domain.basket import Egress, Platform, parse
from tasks.domain.errors import InvalidDocument
from tasks.domain.stored import stored, version_of
from tasks.stores.ports import Change

router = routes()


@router.put("/platform", summary="Who may link accounts, under which empanelment", tags=["operator"])
def change_platform(here: Asking, body: PlatformIn, if_match: IfMatch = None) -> PlatformAnswer:
    here.must_be_admin()
    return PlatformAnswer.model_validate(perform(here, lambda: _platform(here, body, if_match)))


@router.put("/egresses/<name>", summary="Set up a forward proxy for orders", tags=["operator"])
def change_egress(here: Asking, name: NamePath, body: EgressIn, if_match: IfMatch = None) -> EgressAnswer:
    here.must_be_admin()
    return EgressAnswer.model_validate(perform(here, lambda: _egress(here, name, body, if_match)))


def _platform(here: Here, body: Platform, if_match: str | None) -> Effect:
    if body.strangers and not body.empanelment:
        raise Refused(["empanelment: is missing: algos that others use need an empanelled provider"])
    before = here.stores.catalog.get(items.PLATFORM, items.SETTINGS)
    if before is not None:
        expect(before, if_match, needed=False)
    return _put(here, items.PLATFORM, items.SETTINGS, before, body.model_dump(mode="json"))


def _egress(here: Here, name: str, body: EgressBody, if_match: str | None) -> Effect:
    before = here.stores.catalog.get(items.EGRESS, name)
    if before is not None:
        expect(before, if_match, needed=False)
    owner = before["owner"] if before else ""
    try:
        egress = parse(Egress, {**body.model_dump(mode="json"), "name": name, "owner": owner})
    except InvalidDocument as error:
        raise Refused(error.problems) from None
    moved = before is not None and (before["address"], before["proxy_url"]) != (
        egress.address,
        egress.proxy_url,
    )
    if moved and owner:
        raise Conflict("accounts go through it: set up another egress and move them")
    return _put(here, items.EGRESS, name, before, egress.model_dump(mode="json"))


def _put(here: Here, owner: str, item: str, before: dict[str, Any] | None, fields: Mapping[str, Any]) -> Effect:
    change = Change(owner, item, stored(fields, before=before, at=here.now), version_of(before))
    return Effect([change], document_of(change))
