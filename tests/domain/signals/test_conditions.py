"""What an author may write as a condition, and what is refused with its path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.errors import InvalidStrategy
from tasks.domain.indicators import Indicators
from tasks.domain.signals.operands import PARAMETERS, Study
from tasks.domain.strategy import parse_draft

DRAFT: dict[str, Any] = {
    "underlying": "NIFTY",
    "entry_time": "09:20",
    "exit_time": "15:15",
    "weekdays": ["MON"],
    "trigger": "indicator",
    "legs": [{"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM"}],
}


def read(entry: Any, **more: Any) -> Indicators:
    draft = {**DRAFT, **more.pop("draft", {}), "indicators": {"timeframe": 5, "entry": entry, **more}}
    found = parse_draft(draft).indicators
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("close crosses above ema(21)", "CLOSE crosses above EMA(21)"),
        ("  CLOSE   crosses over  EMA( 21 ) ", "CLOSE crosses above EMA(21)"),
        ("close crosses under supertrend", "CLOSE crosses below SUPERTREND(10, 3)"),
        ("rsi between 40 and 70", "RSI(14) between 40 and 70"),
        ("premium.close@1m below premium.vwap@1m", "premium.CLOSE@1m below premium.VWAP@1m"),
        ("close[1] above or_high(30)", "CLOSE[1] above OR_HIGH(30)"),
        ("macd_histogram above -0.5", "MACD_HISTOGRAM(12, 26, 9) above -0.5"),
        ("vix below 14.25", "VIX below 14.25"),
        (
            "close between bb_lower(20, 2.5) and prev_high",
            "CLOSE between BB_LOWER(20, 2.5) and PREV_HIGH",
        ),
    ],
)
def test_a_line_says_what_an_object_says(text: str, means: str) -> None:
    entry = read(text).entry
    assert str(entry) == means
    assert read(entry.model_dump(mode="json")).entry == entry


def test_conditions_nest() -> None:
    tree = {"all": ["close above 1", {"any": ["rsi below 30", {"not": "rsi below 70"}]}]}
    found = read(tree)
    assert str(found.entry) == "all of (CLOSE above 1; any of (RSI(14) below 30; not (RSI(14) below 70)))"
    assert read(found.entry.model_dump(mode="json")).entry == found.entry


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("close over the moon", r"indicators\.entry: must be like"),
        ("ema above 3", r"indicators\.entry\.left: length is missing: over how many bars is the EMA"),
        ("foo(3) above 3", r"indicators\.entry\.left: must be a series such as"),
        ("close above ema(3, 4)", r"entry\.right: EMA takes at most length in its brackets"),
        ("close above ema(3.5)", r"entry\.right: EMA: length must be a whole number, not 3\.5"),
        ("close above ema(x)", r"EMA: 'x' is not a number"),
        ("vwap above 3", r"entry\.left: an index has no volume: use future\.vwap"),
        ("premium.vix above 3", r"India VIX is an index of its own"),
        ("macd(26, 12, 9) above 0", r"fast 26 must be less than slow 12"),
        ("close@7m above 3", r"entry\.left\.timeframe: must be 1, 3, 5, 10, 15, 30 or 60"),
        ("close between 3", r"between needs two values"),
        ({"left": "close", "compare": "between", "right": 3}, r"between takes `low` and `high`"),
        ({"left": "close", "compare": "above", "low": 3}, r"above takes `right`"),
        ({"left": "close", "compare": "above", "right": True}, r"right: must be a number or a series"),
        ({"left": "close", "compare": "above", "right": 3, "because": 1}, r"because: is not a known field"),
        ({"all": []}, r"indicators\.entry\.all: names no condition"),
        ({"all": ["close above 1", {"any": ["rsi(0) above 3"]}]}, r"all\[1\]\.any\[0\]\.left\.length"),
        ({"all": ["close above 1"], "any": ["close above 2"]}, r"any: is not a known field"),
        (7, r'indicators\.entry: must be a comparison, or an object with "all"'),
        ({"any": ["close above 1"] * 21}, r"has 21 comparisons, at most 20"),
        ({"not": {"not": {"not": {"not": {"not": "close above 1"}}}}}, r"is 6 levels deep, at most 5"),
    ],
)
def test_what_means_nothing_is_refused_with_its_path(entry: Any, said: str) -> None:
    with pytest.raises(InvalidStrategy, match=said):
        read(entry)


@pytest.mark.parametrize(
    "entry",
    [
        "rsi above 100",
        "rsi crosses below 0",
        "rsi between 101 and 120",
        "rsi between 70 and 30",
        "atr below 0",
        "close above close",
        "close crosses above close",
        "low above high",
        "high below close",
        "bb_lower crosses above bb_upper",
        "prev_close above prev_high",
        "or_high below or_low",
        {"all": ["rsi above 70", "rsi below 30"]},
        {"all": ["close above 100", "rsi above 3", "close between 50 and 100"]},
        {"any": ["rsi above 100", "low above high"]},
        {"not": "close above 1", "all": ["rsi above 100"]},
    ],
)
def test_what_can_never_be_true_is_refused(entry: Any) -> None:
    with pytest.raises(InvalidStrategy, match=r"indicators\.entry"):
        read(entry)


@pytest.mark.parametrize(
    "entry",
    [
        "low above high[1]",
        "low above high@15m",
        "close above premium.high",
        "bb_lower(20, 2) above bb_upper(50, 2)",
        "rsi(14) above rsi(21)",
        {"all": ["rsi above 30", "rsi below 70"]},
        {"all": ["rsi between 30 and 50", "rsi between 50 and 70"]},
        {"any": ["rsi above 70", "rsi below 30"]},
        {"all": ["rsi above 70", "rsi[3] below 30"]},
        {"not": "low above high"},
    ],
)
def test_what_may_be_true_is_taken(entry: Any) -> None:
    read(entry)


def test_an_opening_range_is_made_of_whole_bars() -> None:
    with pytest.raises(InvalidStrategy, match=r"OR_HIGH\(15\): 15 minutes are not whole bars of 10 minutes"):
        read("close above or_high", timeframe=10)
    read("close above or_high@5m", timeframe=10)


def test_the_last_entry_lies_inside_the_day() -> None:
    with pytest.raises(
        InvalidStrategy, match=r"last_entry 15:20 is not between entry_time 09:20 and exit_time"
    ):
        read("close above 1", last_entry="15:20")
    assert read("close above 1", last_entry="14:30").max_entries == 1


def test_a_future_has_no_premium() -> None:
    legs = [*DRAFT["legs"], {"side": "BUY", "right": "FUT", "lots": 1}]
    with pytest.raises(InvalidStrategy, match="legs: has a future, which has no premium"):
        read("premium.close above 100", draft={"legs": legs})
    read("close above 100", draft={"legs": legs})


def test_what_was_stored_before_conditions_were_a_tree_is_read() -> None:
    old = {
        "match": "any",
        "conditions": [
            {"left": {"series": "CLOSE", "shift": 0}, "compare": "above", "right": {"indicator": "VWAP"}},
            {
                "left": {"indicator": "EMA", "length": 9, "multiplier": None, "shift": 1},
                "compare": "crosses_above",
                "right": "25000",
            },
        ],
    }
    assert (
        str(read(old, source="spot").entry) == "any of (CLOSE above future.VWAP; EMA(9)[1] crosses above 25000)"
    )
    assert str(read(old, source="future").entry).startswith("any of (future.CLOSE above future.VWAP")


@given(st.sampled_from(Study), st.sampled_from(["", "future.", "premium."]), st.integers(0, 100))
def test_the_short_form_of_an_operand_reads_back(study: Study, on: str, shift: int) -> None:
    arguments = "(20)" if PARAMETERS.get(study, {}).get("length", 1) is None else ""
    text = f"{on}{study.lower()}{arguments}[{shift}] above 1"
    try:
        entry = read(text).entry
    except InvalidStrategy as refused:
        assert "no volume" in str(refused) or "index of its own" in str(refused)  # noqa: PT017
        return
    assert str(read(str(entry).lower()).entry) == str(entry)
