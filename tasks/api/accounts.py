"""Broker accounts: link, login address, callback, change, unlink.

The account's id at the broker belongs to whoever linked it first. Its key and secret go to Secrets Manager and
nowhere else: not into the catalog, an answer, or a log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasks.api.answers import Deleted, LoginAddress
from tasks.api.current import Asking, routes
from tasks.api.documents import Document, change, document_of, edit, own, show_account, used
from tasks.api.here import Here
from tasks.api.login import login_address
from tasks.api.parameters import AccountIn, AccountPath, IfMatch, Key, LinkBody, LinkIn
from tasks.api.problems import Conflict, Forbidden, NotFound, Refused
from tasks.api.running import open_runs
from tasks.api.transaction import Effect, expect, perform
from tasks.api.views import AccountView
from tasks.domain import items
from tasks.domain.basket import Egress, Platform, read
from tasks.domain.stored import stored, version_of
from tasks.stores.ports import ANY, Change

router = routes()


@router.get("/accounts", summary="My broker accounts", tags=["accounts"])
def list_accounts(here: Asking) -> list[AccountView]:
    found = here.stores.views.list(here.user_id, items.account(""))
    return [AccountView.model_validate(one) for one in found]


@router.get("/accounts/<account>", summary="One of them: logged in until when", tags=["accounts"])
def read_account(here: Asking, account: AccountPath) -> AccountView:
    found = here.stores.views.get(here.user_id, items.account(account))
    if found is None:
        raise NotFound("you have no such broker account")
    return AccountView.model_validate(found)


@router.post("/accounts", summary="Link a broker account", tags=["accounts"], status_code=201)
def link_account(here: Asking, body: LinkIn, key: Key) -> AccountView:
    """Linking an account of yours again replaces its key and secret."""
    said = body.model_dump(mode="json", exclude={"api_key", "api_secret"})
    answer = perform(here, lambda: _linked(here, body), key=key, body=said)
    _keep_secret(here, body)
    return show_account(answer)


@router.put("/accounts/<account>", summary="Change label, multiplier, egress, status", tags=["accounts"])
def change_account(
    here: Asking, account: AccountPath, body: AccountIn, if_match: IfMatch = None
) -> AccountView:
    def decide() -> Effect:
        before = _own(here, account)
        expect(before, if_match)
        egress, claims = _egress(here, body.egress)
        fields = {**body.model_dump(mode="json"), "egress": egress}
        made = edit(here, items.account(account), before, **fields)
        return Effect([made, *claims], document_of(made))

    return show_account(perform(here, decide))


@router.get("/accounts/<account>/login", summary="Where to log in at the broker", tags=["accounts"])
def login(here: Asking, account: AccountPath) -> LoginAddress:
    _own(here, account)
    return login_address(here, account)


@router.delete("/accounts/<account>", summary="Unlink it", tags=["accounts"])
def unlink_account(here: Asking, account: AccountPath, if_match: IfMatch = None) -> Deleted:
    """Not while something is open in it, or a strategy or subscription trades in it."""
    answer = Deleted.model_validate(perform(here, lambda: _unlinked(here, account, if_match)))
    here.services.secrets.delete(account)
    return answer


def _own(here: Here, account: str) -> Document:
    return own(here, items.account(account), "broker account")


def _linked(here: Here, body: LinkBody) -> Effect:
    _may_link(here)
    item = items.account(body.account)
    before = here.stores.catalog.get(here.user_id, item)
    holder = here.stores.catalog.get(items.ACCOUNT_OWNERS, body.account)
    if holder is not None and holder["user_id"] != here.user_id:
        raise Conflict("this account cannot be linked here: if it is yours, ask the operator")
    egress, claims = _egress(here, body.egress)
    fields: dict[str, Any] = {
        "account": body.account,
        "broker": body.broker,
        "label": body.label,
        "lot_multiplier": body.lot_multiplier,
        "egress": egress,
        "status": "ACTIVE",
        "valid_until": before.get("valid_until") if before and _same_secret(here, body) else None,
    }
    made = change(here, item, before, fields)
    claim = stored({"user_id": here.user_id}, before=holder, at=here.now)
    claimed = Change(items.ACCOUNT_OWNERS, body.account, claim, version_of(holder))
    return Effect([made, claimed, *claims], document_of(made))


def _may_link(here: Here) -> None:
    """Raises `Forbidden` for strangers, as long as the operator has not let them in."""
    if here.caller.is_admin:
        return
    document = here.stores.catalog.get(items.PLATFORM, items.SETTINGS)
    if document is None or not read(Platform, document).admits_strangers:
        raise Forbidden("linking is closed: the operator has not stated the empanelment it would trade under")


def _egress(here: Here, name: str | None) -> tuple[dict[str, Any] | None, list[Change]]:
    """What the account keeps of its egress, and the claim of the egress for its first user.

    Raises
    ------
    Refused
        If there is no such egress, or it is another family's.
    """
    if name is None:
        return None, []
    document = here.stores.catalog.get(items.EGRESS, name)
    if document is None:
        raise Refused([f"egress: there is no egress {name!r}; the operator sets them up"])
    egress = read(Egress, document)
    if not egress.admits(here.user_id):
        raise Refused([f"egress: {name!r} is another client's, and brokers want one address for one family"])
    kept = {"name": egress.name, "address": egress.address}
    if egress.owner:
        return kept, []
    claim = stored({**egress.model_dump(mode="json"), "owner": here.user_id}, before=document, at=here.now)
    return kept, [Change(items.EGRESS, name, claim, version_of(document))]


def _keep_secret(here: Here, body: LinkBody) -> None:
    """After the account is the caller's for sure. The command sent again does this again."""
    if _same_secret(here, body):
        return
    secret = {"broker": body.broker, "api_key": body.api_key, "api_secret": body.api_secret}
    here.services.secrets.put(body.account, {**secret, "access_token": "", "user_id": body.account})


def _same_secret(here: Here, body: LinkBody) -> bool:
    standing = here.services.secrets.get(body.account) or {}
    return (standing.get("api_key"), standing.get("api_secret")) == (body.api_key, body.api_secret)


def _unlinked(here: Here, account: str, if_match: str | None) -> Effect:
    before = _own(here, account)
    expect(before, if_match, needed=False)
    counted = used(here, account)  # before it is looked for: who names it from here on is noticed
    _unused(here, account)
    gone = Change(here.user_id, items.account(account), None, version_of(before))
    freed = Change(items.ACCOUNT_OWNERS, account, None, ANY)
    return Effect([gone, freed, counted], {"deleted": account})


def _unused(here: Here, account: str) -> None:
    if any(plan.account == account for plan in open_runs(here)):
        raise Conflict("something is open in it: square it off first")
    catalog = here.stores.catalog
    strategies = _naming(catalog.list(here.user_id, items.strategy("")), account)
    subscriptions = _naming(catalog.list(here.user_id, items.subscription("")), account)
    published = [
        one
        for one in _naming(catalog.list(items.MARKETPLACE, items.strategy("")), account)
        if one.get("publisher") == here.user_id and one.get("enabled", True)
    ]
    users = [
        *(f"strategy {one['strategy_id']}" for one in strategies),
        *(f"published strategy {one['strategy_id']}" for one in published),
        *(f"subscription {one['basket_id']}" for one in subscriptions),
    ]
    if users:
        raise Conflict(f"it is used by {', '.join(users[:5])}: take it out there first")


def _naming(documents: Iterable[Document], account: str) -> list[Document]:
    return [one for one in documents if account in (one.get("accounts") or ())]
