"""How far an order may be chased."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.model import Side
from tasks.domain.chase import AtLimit, Chase, EntryLimit, ExitLimit
from tasks.domain.strategy import parse_strategy
from tests.domain.test_strategy import STRADDLE

TICK = Decimal("0.05")


@pytest.mark.parametrize(
    ("limit", "side", "expected"),
    [
        ({"points": 20}, Side.BUY, "120.00"),
        ({"points": 20}, Side.SELL, "80.00"),
        ({"percent": "2.53"}, Side.BUY, "102.50"),
        ({"percent": "2.53"}, Side.SELL, "97.50"),
        ({"points": 500}, Side.SELL, "0.05"),
        ({"points": "0.01"}, Side.BUY, "100"),
        ({"points": "0.01"}, Side.SELL, "100"),
    ],
)
def test_the_last_price_is_on_the_tick_and_within_the_limit(
    limit: dict[str, object], side: Side, expected: str
) -> None:
    made = ExitLimit.model_validate({name: Decimal(str(value)) for name, value in limit.items()})
    assert made.furthest(Decimal(100), side, TICK) == Decimal(expected)


def test_a_strategy_without_a_chase_has_the_usual_one() -> None:
    """Documents from before there was a choice are read as they were."""
    strategy = parse_strategy(STRADDLE)
    assert strategy.chase == Chase()
    assert Chase.of("") == Chase.of(strategy.chase.model_dump_json()) == Chase()


def test_what_an_author_writes_comes_back() -> None:
    chase = {
        "every_seconds": 10,
        "entry": {"percent": 5, "then": "give_up"},
        "exit": {"points": 20, "patience_seconds": 30},
    }
    strategy = parse_strategy(STRADDLE | {"chase": chase})
    assert strategy.chase.entry == EntryLimit(percent=Decimal(5), then=AtLimit.GIVE_UP)
    assert parse_strategy(strategy.to_document()) == strategy
    assert Chase.of(strategy.chase.model_dump_json()) == strategy.chase
