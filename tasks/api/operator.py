"""What an admin decides: who may link accounts, and the proxies that orders leave through.

A proxy's URL goes to Secrets Manager, because it may hold a password; the catalog has its host and port.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.api.current import Asking, routes
from tasks.api.documents import document_of
from tasks.api.here import Here
from tasks.api.parameters import EgressBody, EgressIn, IfMatch, NamePath, PlatformIn
from tasks.api.problems import Conflict, NotFound, Refused
from tasks.api.transaction import Effect, expect, perform
from tasks.api.views import PlatformView, ProxyView
from tasks.domain import items
from tasks.domain.basket import Egress, Platform, parse, without_password
from tasks.domain.errors import InvalidDocument
from tasks.domain.stored import stored, version_of
from tasks.egress import secret_name
from tasks.stores.ports import Change

router = routes()


@router.get("/platform", summary="What the operator decided", tags=["operator"])
def read_platform(here: Asking) -> PlatformView:
    here.must_be_admin()
    return PlatformView.model_validate(here.stores.views.get(items.PLATFORM, items.SETTINGS) or {})


@router.put("/platform", summary="Who may link accounts, under which empanelment", tags=["operator"])
def change_platform(here: Asking, body: PlatformIn, if_match: IfMatch = None) -> PlatformView:
    """What is left out is no longer so: read it first, and send it back changed."""
    here.must_be_admin()
    return PlatformView.model_validate(perform(here, lambda: _platform(here, body, if_match)))


@router.get("/egresses", summary="The forward proxies", tags=["operator"])
def list_egresses(here: Asking) -> list[ProxyView]:
    here.must_be_admin()
    return [ProxyView.model_validate(one) for one in here.stores.views.list(items.EGRESS, "")]


@router.get("/egresses/<name>", summary="One of them", tags=["operator"])
def read_egress(here: Asking, name: NamePath) -> ProxyView:
    here.must_be_admin()
    found = here.stores.views.get(items.EGRESS, name)
    if found is None:
        raise NotFound("there is no such egress")
    return ProxyView.model_validate(found)


@router.put("/egresses/<name>", summary="Set up a forward proxy for orders", tags=["operator"])
def change_egress(here: Asking, name: NamePath, body: EgressIn, if_match: IfMatch = None) -> ProxyView:
    here.must_be_admin()
    answer = perform(here, lambda: _egress(here, name, body, if_match))
    if body.proxy_url is not None:
        here.services.secrets.put(secret_name(name), {"proxy_url": body.proxy_url})
    return ProxyView.model_validate(answer)


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
    known = before or {"owner": "", "proxy": "", "address": ""}
    proxy = known["proxy"] if body.proxy_url is None else without_password(body.proxy_url)
    if not proxy:
        raise Refused(["proxy_url: is missing"])
    fields = {"name": name, "address": body.address, "proxy": proxy, "owner": known["owner"]}
    try:
        egress = parse(Egress, {**fields, "family": list(body.family)})
    except InvalidDocument as error:
        raise Refused(error.problems) from None
    moved = (known["address"], known["proxy"]) != (egress.address, egress.proxy)
    if moved and egress.owner:
        raise Conflict("accounts go through it: set up another egress and move them")
    return _put(here, items.EGRESS, name, before, egress.model_dump(mode="json"))


def _put(here: Here, owner: str, item: str, before: dict[str, Any] | None, fields: Mapping[str, Any]) -> Effect:
    change = Change(owner, item, stored(fields, before=before, at=here.now), version_of(before))
    return Effect([change], document_of(change))
