"""Who takes part in a run: the owner's accounts, and, of a marketplace strategy, every subscriber's.

Of a run that somebody started by hand for themselves (`only_for`), it is their own accounts alone. A paused
subscriber or account enters nothing. An account of a subscriber that is no longer linked is left out and
alarms, because one person's mistake stops nobody else; an owner's own stops their own run, so that they mend it
and redrive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.contracts import AccountRef
from tasks.domain import items
from tasks.domain.basket import AccountStatus
from tasks.domain.payload import Payload
from tasks.domain.strategy import Strategy
from tasks.runtime import Runtime


class NoAccounts(Exception):
    """The strategy names no broker account to trade in."""


class AccountNotFound(Exception):
    """The strategy names a broker account that its user has not linked."""


@dataclass(frozen=True, slots=True)
class _Seat:
    """One account somebody named."""

    user_id: str
    account: str
    multiplier: int = 1

    @property
    def key(self) -> tuple[str, str]:
        return self.user_id, items.account(self.account)


def participants(
    payload: Payload, strategy: Strategy, document: Mapping[str, Any], rt: Runtime
) -> list[AccountRef]:
    """Each account once, the owner's first.

    Raises
    ------
    NoAccounts, AccountNotFound
        For a user's own strategy. A marketplace strategy that nobody follows has none, and that is no error.
    """
    if payload.user_id == items.MARKETPLACE:
        return _everybody(payload, strategy, document, rt)
    seats = [_Seat(payload.user_id, account) for account in strategy.accounts]
    if not seats:
        raise NoAccounts(f"strategy {strategy.strategy_id!r}: accounts: name at least one broker account")
    linked = rt.stores.catalog.get_many(seat.key for seat in seats)
    for seat in seats:
        if seat.key not in linked:
            raise AccountNotFound(
                f"user {seat.user_id} has no broker account {seat.account}: link it, then redrive"
            )
    return _active(seats, linked)


def _everybody(
    payload: Payload, strategy: Strategy, document: Mapping[str, Any], rt: Runtime
) -> list[AccountRef]:
    basket_id = payload.basket_id or strategy.basket_id
    publisher = str(document.get("publisher") or "")
    own = [_Seat(publisher, account) for account in strategy.accounts if publisher]
    rows = rt.stores.catalog.list(items.MARKETPLACE, items.subscriber(basket_id))
    everyone = [*own, *(seat for row in rows if not row.get("paused") for seat in _seats_of(row))]
    seats = [seat for seat in everyone if payload.only_for in ("", seat.user_id)]
    linked = rt.stores.catalog.get_many(seat.key for seat in seats)
    for seat in seats:
        if seat.key not in linked:
            rt.alarms.count("SubscriberWithoutAccount", account=seat.account)
    return _active((seat for seat in seats if seat.key in linked), linked)


def _seats_of(row: Mapping[str, Any]) -> Iterable[_Seat]:
    multiplier = int(row.get("multiplier", 1))
    return (_Seat(str(row["user_id"]), str(account), multiplier) for account in row.get("accounts", ()))


def _active(seats: Iterable[_Seat], linked: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[AccountRef]:
    found: dict[str, AccountRef] = {}
    for seat in seats:
        document = linked[seat.key]
        if document.get("status", AccountStatus.ACTIVE) == AccountStatus.ACTIVE:
            ref = AccountRef(
                account=seat.account,
                broker=str(document["broker"]),
                user_id=seat.user_id,
                multiplier=seat.multiplier,
            )
            found.setdefault(seat.account, ref)
    return list(found.values())
