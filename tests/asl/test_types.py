"""What fits where, once it is JSON."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from workflows.asl.types import Constant, Record, Row, misfit
from workflows.asl.walk import PathProblem, follow, segments


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Leg(BaseModel):
    symbol: str
    side: Side
    lots: int = 1


class Narrow(BaseModel):
    symbol: str
    side: Literal["BUY"]


class Basket(BaseModel):
    legs: list[Leg]
    extra: dict[str, int]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (str, str),
        (str, date),
        (str, Decimal),
        (date, str),
        (int, float),
        (bool, bool),
        (Side, str),
        (Literal["BUY"], Side),
        (Constant("BUY"), Side),
        (Constant("2026-11-23"), date),
        (Constant(None), int | None),
        (int, int | None),
        (list[Side], list[str]),
        (tuple[int, ...], list[int]),
        (Row((Constant(1), int)), list[int]),
        (Row(()), list[Leg]),
        (Leg, Leg),
        (Record({"symbol": str, "side": Constant("BUY")}), Leg),
        (Record({"a": int}), dict[str, int]),
        (Leg, dict[str, Any]),
        (dict[str, int], dict[str, float]),
        (str, Any),
    ],
)
def test_fits(given: Any, wanted: Any) -> None:
    assert misfit(given, wanted) is None


@pytest.mark.parametrize(
    ("given", "wanted", "reason"),
    [
        (str, int, "str is no int"),
        (bool, int, "bool is no int"),
        (float, int, "float is no int"),
        (int, str, "int is no str"),
        (str, Side, "str is no one of BUY, SELL"),
        (date, Decimal, "date is no Decimal"),
        (Side, Literal["BUY"], "'SELL' is no one of BUY"),
        (int | None, int, "NoneType is no int"),
        (Any, str, "its type is not declared"),
        (Constant("x"), date, "'x' is no date"),
        (list[str], list[int], "[]: str is no int"),
        (str, list[str], "str is no list[str]"),
        (Leg, Narrow, "lots is not a field of Narrow"),
        (Record({"symbol": str}), Narrow, "side is missing"),
        (Record({"symbol": int, "side": Constant("BUY")}), Narrow, "symbol: int is no str"),
        (Leg, str, "Leg is no str"),
    ],
)
def test_does_not_fit(given: Any, wanted: Any, reason: str) -> None:
    assert misfit(given, wanted) == reason


def test_a_path_is_followed_through_models_and_lists() -> None:
    assert follow(Basket, segments("$.legs[*].side")) == list[Side]
    assert follow(Basket, segments("$['legs']")) == list[Leg]


@pytest.mark.parametrize("source", ["$.extra.a", "$.legs[0].side", "$.legs[*].lots", "$.legs.side", "$.none"])
def test_a_path_that_may_find_nothing_is_refused(source: str) -> None:
    with pytest.raises(PathProblem):
        follow(Basket, segments(source))


@pytest.mark.parametrize("source", ["$", "legs", "$..side", "$.legs[?(@.side)]", "$.legs[0:2]", "$.legs."])
def test_a_path_that_is_no_plain_path_is_refused(source: str) -> None:
    with pytest.raises(PathProblem) as refused:
        segments(source)
    assert refused.value.rule == "path-syntax"
