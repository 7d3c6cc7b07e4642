"""ResolveStrikes: from the strategy's legs to listed contracts, each with its reason and a limit price."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel

from tasks.contracts import ResolvedLeg, Slot
from tasks.domain.chain import quotes_item
from tasks.domain.errors import QuoteMissing
from tasks.domain.expiries import choose_expiry
from tasks.domain.listed import Choice
from tasks.domain.pricing import limit_price
from tasks.domain.quotes import Snapshot, quote_of
from tasks.domain.strategy import Leg, Strategy, parse_strategy
from tasks.domain.strikes import resolve
from tasks.domain.underlyings import freeze_limit
from tasks.instruments import chain, listed_expiries
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="ResolveStrikes",
    module="tasks.resolve_strikes",
    memory=1024,
    reads=(Table.MARKET,),
)


class Input(BaseModel):
    """`strategy` is the document as the run was opened with: an edit since then counts for the next run."""

    strategy: dict[str, Any]
    trading_date: date


class Output(Slot):
    legs: list[ResolvedLeg]
    product: str
    on_leg_reject: str
    chase: str
    """The strategy's own terms, as JSON text."""


def run(request: Input, rt: Runtime) -> Output:
    strategy = parse_strategy(request.strategy)
    legs = [_resolve(request, rt, strategy, number, leg) for number, leg in enumerate(strategy.legs, start=1)]
    return Output(
        legs=legs,
        product=strategy.product,
        on_leg_reject=strategy.on_leg_reject,
        chase=strategy.chase.model_dump_json(),
    )


def _resolve(request: Input, rt: Runtime, strategy: Strategy, number: int, leg: Leg) -> ResolvedLeg:
    expiry = choose_expiry(
        listed_expiries(rt, strategy.underlying),
        leg.expiry,
        request.trading_date,
        underlying=strategy.underlying,
    )
    snapshot = _snapshot(rt, strategy.underlying, expiry)
    listed = chain(rt, strategy.underlying, expiry)
    choice = resolve(listed, leg, spot=snapshot.spot, quotes=snapshot.quotes, at=snapshot.at)
    return _resolved(request, leg, number, choice, snapshot)


def _snapshot(rt: Runtime, underlying: str, expiry: date) -> Snapshot:
    document = rt.stores.market.get(underlying, quotes_item(expiry))
    if document is None:
        raise QuoteMissing(f"{underlying} {expiry}: no snapshot: FetchChain takes it")
    return Snapshot.from_document(document)


def _resolved(request: Input, leg: Leg, number: int, choice: Choice, snapshot: Snapshot) -> ResolvedLeg:
    contract = choice.contract
    quote = quote_of(snapshot.quotes, contract)
    price = limit_price(leg.side, quote, contract.tick)
    return ResolvedLeg(
        leg=number,
        exchange=contract.id.exchange,
        symbol=contract.symbol,
        exchange_token=contract.id.token,
        strike=f"{contract.strike.normalize():f}",
        right=contract.right,
        expiry=contract.expiry.isoformat(),
        side=leg.side,
        lots=leg.lots,
        lot_size=contract.lot_size,
        tick=str(contract.tick),
        freeze=freeze_limit(contract.underlying, request.trading_date),
        limit_price=str(price),
        quote=str(quote.middle),
        reason=choice.reason,
    )


handler = task(run, Input)
