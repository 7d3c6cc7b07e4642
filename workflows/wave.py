"""One order's way, from the intent to the recorded position: what a wave does for each of its orders.

The iteration never throws: an error that nothing settles ends it as data, so that one leg can't abort another.
Only PlaceOrder sends, and it is never retried. Whatever goes wrong there is treated as unknown: the order book
tells.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from tasks import chase_order, place_order, settle_order, total_fills, watch_order
from tasks.contracts import PlannedOrder
from tasks.spec import Table
from workflows import parts
from workflows.asl.conditions import When, all_of
from workflows.asl.context import MAP_ITEM_VALUE, STATE_ENTERED_TIME, TASK_TOKEN
from workflows.asl.expressions import placeholder
from workflows.asl.intrinsics import format_text
from workflows.asl.paths import Path
from workflows.asl.resources import Call, InvokeAndAwait
from workflows.asl.states import Catch, Choice, Map, Pass, State, Task, Wait

POLL = 5
"""Seconds after which WaitForFill looks for itself."""

BOOK_LAG_PAUSE = 3
"""Seconds between two looks for an order whose reply was lost."""

Name = Literal["Buy", "Sell"]


class OrderResult(BaseModel):
    """What leaves an iteration: little, so that a wave of many orders stays far below 256 KiB."""

    order_id: str
    position_id: str
    outcome: Literal["DONE", "TROUBLE"]
    reason: str


class OrderData(BaseModel):
    """The data of one order's iteration."""

    order: PlannedOrder
    claim: Any
    placed: place_order.Output
    settled: settle_order.Output
    fill: watch_order.Fill
    chase: chase_order.Output
    totals: total_fills.Output
    recorded: Any
    trouble: parts.Trouble


def wave(name: Name, items: str, slot: str) -> Map:
    """All orders of one side at the same time."""
    return Map(
        name=f"{name}Wave",
        items=Path(items),
        item=OrderData,
        select={"order": MAP_ITEM_VALUE},
        states=[*_send(name), *_settle(name), *_watch(name), *_record(name)],
        result=OrderResult,
        slot=slot,
        never_fails=True,
    )


def _send(name: Name) -> list[State]:
    sent = Path("$.placed.outcome")
    return [
        _claim(name),
        _place(name),
        Choice(
            name=f"{name}Placed",
            choices=[
                When(sent.equals("PLACED"), f"WaitFor{name}Fill"),
                When(sent.equals("NOT_SENT"), f"WaitToSend{name}"),
                When(sent.equals("UNKNOWN"), f"Wait{name}BookLag"),
            ],
            default=f"Total{name}Fills",
        ),
        Wait(name=f"WaitToSend{name}", until=Path("$.placed.retry_at"), next=f"Place{name}Order"),
    ]


def _claim(name: Name) -> Task:
    """Intent first: no order leaves that the table doesn't know. Taken already means: go on from there."""
    resource, arguments = parts.put_item(
        Table.ORDERS,
        {
            **parts.attributes(PlannedOrder, "$.order", decimals=("limit_price", "quote", "tick")),
            "status": {"S": "CLAIMED"},
            "claimed_at": {"S": STATE_ENTERED_TIME},
        },
        ConditionExpression="attribute_not_exists(order_id)",
    )
    return Task(
        name=f"Claim{name}Order",
        resource=resource,
        arguments=arguments,
        slot="claim",
        timeout=parts.STORE_TIMEOUT,
        retry=parts.STORE_RETRIES,
        catch=[
            Catch(errors=[parts.CONDITION_FAILED], next=f"Place{name}Order", slot="trouble"),
            _to_trouble(name),
        ],
    )


def _place(name: Name) -> Task:
    return parts.invoke(
        f"Place{name}Order",
        "place_order",
        "placed",
        {"order_id": Path("$.order.order_id")},
        comment="Sends once, never retried. An error here says nothing about the order: its book does",
        retry=(),
        catch=[Catch(errors=["States.ALL"], next=f"Wait{name}BookLag", slot="trouble")],
    )


def _settle(name: Name) -> list[State]:
    found = Path("$.settled.outcome")
    return [
        Wait(name=f"Wait{name}BookLag", seconds=BOOK_LAG_PAUSE),
        _on_order(f"Settle{name}Order", "settle_order", "settled", name),
        Choice(
            name=f"{name}Settled",
            choices=[
                When(found.equals("PLACED"), f"WaitFor{name}Fill"),
                When(found.equals("UNKNOWN"), f"Wait{name}BookLag"),
                When(found.equals("RESEND"), f"Next{name}Attempt"),
            ],
            default=f"Total{name}Fills",
        ),
        Pass(
            name=f"Next{name}Attempt",
            value=Path("$.settled.order"),
            slot="order",
            next=f"Claim{name}Order",
        ),
    ]


def _watch(name: Name) -> list[State]:
    return [
        Task(
            name=f"WaitFor{name}Fill",
            comment="A postback completes it; its short time-out is the poll",
            resource=InvokeAndAwait(parts.function("watch_order"), watch_order.Fill),
            arguments={"token": TASK_TOKEN, "order_id": Path("$.order.order_id")},
            slot="fill",
            timeout=POLL,
            catch=[
                Catch(errors=["States.Timeout"], next=f"Chase{name}Order", slot="trouble"),
                Catch(errors=["States.ALL"], next=f"Wait{name}Poll", slot="trouble"),
            ],
        ),
        Choice(
            name=f"{name}Ended",
            choices=[
                When(
                    all_of(Path("$.fill.status").equals("CANCELLED"), Path("$.order.purpose").equals("N")),
                    f"Settle{name}Order",
                )
            ],
            default=f"Total{name}Fills",
        ),
        Wait(
            name=f"Wait{name}Poll",
            comment="Without it, a watch that fails at once would use up the order's modifications at once",
            seconds=POLL,
        ),
        _on_order(f"Chase{name}Order", "chase_order", "chase", name),
        Choice(
            name=f"{name}Chased",
            choices=[
                When(Path("$.chase.action").equals("WAIT"), f"WaitFor{name}Fill"),
                When(Path("$.chase.action").equals("SETTLE"), f"Settle{name}Order"),
            ],
            default=f"Total{name}Fills",
        ),
    ]


def _record(name: Name) -> list[State]:
    return [
        _on_order(f"Total{name}Fills", "total_fills", "totals", name),
        Choice(
            name=f"{name}HasFills",
            choices=[When(Path("$.totals.quantity").greater_than(0), f"Record{name}Position")],
            default=f"{name}Done",
        ),
        _record_position(name),
        Pass(name=f"{name}Done", value=_result("DONE", ""), end=True),
        Pass(
            name=f"{name}Trouble",
            comment="Ends as data: what is open is found from the orders, not from this",
            value=_result("TROUBLE", Path("$.trouble.Error")),
            end=True,
        ),
    ]


def _result(outcome: str, reason: str | Path) -> dict[str, Any]:
    return {
        "order_id": Path("$.order.order_id"),
        "position_id": Path("$.order.position_id"),
        "outcome": outcome,
        "reason": reason,
    }


_TOTALS = ("quantity", "quantity_attribute", "price_attribute", "average_price")


def _record_position(name: Name) -> Task:
    """Absolute values, forward only: running twice, or two slices at once, can't count a fill twice."""
    rest = [
        field for field in total_fills.Output.model_fields if field not in ("position_id", "realised", *_TOTALS)
    ]
    return Task(
        name=f"Record{name}Position",
        resource=Call("dynamodb", "updateItem"),
        arguments={
            "TableName": placeholder(Table.POSITIONS.placeholder),
            "Key": {"position_id": {"S": Path("$.totals.position_id")}},
            "UpdateExpression": "SET #quantity = :quantity, #price = :price, realised = :realised, "
            + ", ".join(f"#{field} = :{field}" for field in rest),
            "ConditionExpression": "attribute_not_exists(#quantity) OR #quantity < :quantity",
            "ExpressionAttributeNames": {
                "#quantity": Path("$.totals.quantity_attribute"),
                "#price": Path("$.totals.price_attribute"),
                **{f"#{field}": field for field in rest},
            },
            "ExpressionAttributeValues": {
                ":quantity": {"N": format_text("{}", Path("$.totals.quantity"))},
                ":price": {"N": Path("$.totals.average_price")},
                ":realised": {"N": Path("$.totals.realised")},
                **{f":{field}": {"S": Path(f"$.totals.{field}")} for field in rest},
            },
        },
        slot="recorded",
        timeout=parts.STORE_TIMEOUT,
        retry=parts.STORE_RETRIES,
        catch=[
            Catch(errors=[parts.CONDITION_FAILED], next=f"{name}Done", slot="trouble"),
            _to_trouble(name),
        ],
    )


def _on_order(state: str, module: str, slot: str, name: Name) -> Task:
    """A task that may run twice, on the order of this iteration."""
    return parts.invoke(state, module, slot, {"order_id": Path("$.order.order_id")}, catch=[_to_trouble(name)])


def _to_trouble(name: Name) -> Catch:
    return Catch(errors=["States.ALL"], next=f"{name}Trouble", slot="trouble")
