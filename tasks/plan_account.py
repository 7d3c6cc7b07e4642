"""PlanAccount: freeze what one account will do in this run, before anything of it is sent.

It fails where a person can mend it and redrive (an expired token, an unregistered address), and answers MISSED
once the entry window is over, however late it is redriven.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from brokers.clock import IST
from brokers.errors import EgressRefused
from brokers.model import Exchange, Product, Side
from tasks.contracts import AccountTask, ResolvedLeg, Wave, WaveStatus
from tasks.domain.ids import Purpose, position_id
from tasks.domain.slicing import quantity, slices
from tasks.lambda_task import task
from tasks.orderpath.halting import described, holding
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.orderpath.planning import entry_wave, no_wave
from tasks.participants import AccountNotFound
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, Phase, PlannedLeg

FUNCTION = Function(
    name="PlanAccount",
    module="tasks.plan_account",
    timeout=15,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.RUNS, Table.CATALOG),
    writes=(Table.RUNS,),
    broker=True,
)


class Input(AccountTask):
    """`execution` is the ARN of the one that asks, for people to find it."""

    execution: str = ""


Output = Wave


def run(request: Input, rt: Runtime) -> Wave:
    standing = rt.stores.runs.account(request.run_key, request.account)
    if standing is not None:
        return _go_on(standing)
    until = datetime.fromisoformat(request.entry_until)
    if rt.clock.now() > until:
        reason = f"the entry window ended at {until.astimezone(IST):%H:%M:%S}"
        return no_wave(WaveStatus.MISSED, Purpose.ENTRY, reason=reason)
    halt = holding(rt.stores, request.user_id, request.account)
    if halt is not None:
        return no_wave(WaveStatus.MISSED, Purpose.ENTRY, reason=described(halt))
    document = _document(rt, request)
    multiplier = int(document["lot_multiplier"]) * request.multiplier
    _check_egress(rt, request.account, document)
    rt.brokers.reader(request.account).check_session()
    return _go_on(rt.stores.runs.plan_account(_plan(request, multiplier)))


def _go_on(plan: AccountRun) -> Wave:
    if plan.phase is Phase.FLAT and not plan.legs:
        return no_wave(WaveStatus.MISSED, Purpose.ENTRY, reason="it was squared off before it entered")
    if plan.phase in (Phase.EXITING, Phase.FLAT):
        return no_wave(WaveStatus.MISSED, Purpose.ENTRY, reason=f"the account is {plan.phase} already")
    return entry_wave(plan)


def _document(rt: Runtime, request: AccountTask) -> Mapping[str, Any]:
    document = rt.stores.catalog.get(request.user_id, f"ACCOUNT#{request.account}")
    if document is None:
        raise AccountNotFound(f"user {request.user_id} has no broker account {request.account}: link it first")
    return document


def _check_egress(rt: Runtime, account: str, document: Mapping[str, Any]) -> None:
    """Raises `EgressRefused` if orders would leave from another address than the one that is registered."""
    egress = document.get("egress")
    if not egress:
        return
    seen = rt.egress.address(str(egress["name"]))
    if seen != egress["address"]:
        raise EgressRefused(
            f"orders would leave from {seen}, and {egress['address']} is registered for egress "
            f"{egress['name']}: mend its proxy or register the address, then redrive",
            account=account,
        )


def _plan(request: Input, multiplier: int) -> AccountRun:
    return AccountRun(
        run_key=request.run_key,
        account=request.account,
        broker=request.broker,
        user_id=request.user_id,
        basket_id=request.basket_id,
        strategy_id=request.strategy_id,
        trading_date=date.fromisoformat(request.trading_date),
        underlying=request.underlying,
        product=Product(request.product),
        on_leg_reject=request.on_leg_reject,
        chase=request.chase,
        phase=Phase.ENTERING,
        entry_until=datetime.fromisoformat(request.entry_until),
        exit_at=datetime.fromisoformat(request.exit_at),
        legs=tuple(_leg(request, leg, multiplier) for leg in request.legs),
        execution=request.execution,
    )


def _leg(request: AccountTask, leg: ResolvedLeg, multiplier: int) -> PlannedLeg:
    return PlannedLeg(
        leg=leg.leg,
        position_id=position_id(request.run_key, request.account, leg.leg),
        exchange=Exchange(leg.exchange),
        symbol=leg.symbol,
        exchange_token=leg.exchange_token,
        side=Side(leg.side),
        lot_size=leg.lot_size,
        tick=Decimal(leg.tick),
        freeze=leg.freeze,
        slices=slices(quantity(leg.lots, leg.lot_size, multiplier), lot_size=leg.lot_size, freeze=leg.freeze),
        limit_price=Decimal(leg.limit_price),
        right=leg.right,
        quote=Decimal(leg.quote),
    )


handler = task(run, Input)
