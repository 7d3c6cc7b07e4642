"""A chain of contracts and the document it travels in."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from brokers.model import Exchange, Quote, Right
from tasks.domain.chain import (
    Chain,
    chain_item,
    chains_of,
    expiries_document,
    expiries_from,
    quotes_item,
)
from tasks.domain.errors import ChainMismatch, QuoteMissing
from tasks.domain.quotes import Snapshot, quote_key, quote_of
from tests.domain.market import AT, EXPIRY, chain_with, contract, quoted, real_instruments


def test_a_chain_survives_its_document() -> None:
    chain = chain_with([58300, 58400, "58450.5"], future=True)
    document = chain.to_document()
    assert Chain.from_document(json.loads(json.dumps(document))) == chain
    assert Chain.from_document(document).to_document() == document


def test_a_real_chain_survives_its_document_and_fits_an_item() -> None:
    chains = chains_of(real_instruments())
    assert len(chains) == 46
    for chain in chains.values():
        text = json.dumps(chain.to_document())
        assert Chain.from_document(json.loads(text)) == chain
        assert len(text) < 40_000


def test_far_expiries_list_calls_and_puts_apart() -> None:
    chain = chains_of(real_instruments())["NIFTY", date(2026, 12, 29)]
    assert (len(chain.strikes[Right.CE]), len(chain.strikes[Right.PE])) == (23, 26)


def test_strikes_rise_whatever_the_order_they_came_in() -> None:
    chain = chain_with([58500, 58300, 58400])
    assert chain.strikes[Right.PE] == (Decimal(58300), Decimal(58400), Decimal(58500))
    assert [row.strike for row in chain.ladder[Right.CE]] == list(chain.strikes[Right.CE])


def test_a_contract_is_found_by_any_writing_of_its_strike() -> None:
    chain = chain_with([58400], future=True)
    assert chain.contract(Right.CE, Decimal("58400.00")) == contract(58400)
    assert chain.contract(Right.CE, Decimal(58450)) is None
    assert chain.contract(Right.FUT) == contract(0, Right.FUT)


def test_one_chain_has_one_expiry() -> None:
    with pytest.raises(ChainMismatch):
        Chain.of([contract(58400), contract(58400, expiry=date(2026, 12, 29))])
    with pytest.raises(ChainMismatch):
        Chain.of([])


def test_around_takes_the_strikes_nearest_to_spot() -> None:
    chain = chain_with(range(58000, 59000, 100), future=True)
    near = chain.around(Decimal("58412.35"), 3)
    assert sorted({row.strike for row in near}) == [0, 58300, 58400, 58500]
    assert len(near) == 7


def test_symbols_are_as_brokers_quote_them() -> None:
    assert chain_with([58400]).symbols == ("NFO:BANKNIFTY26NOV58400CE", "NFO:BANKNIFTY26NOV58400PE")


def test_expiries_travel_sorted_and_once() -> None:
    later = date(2026, 12, 29)
    document = expiries_document("BANKNIFTY", EXPIRY, [later, EXPIRY, later])
    assert document["trading_date"] == "2026-11-23"
    assert expiries_from(json.loads(json.dumps(document))) == (EXPIRY, later)


def test_items_are_named_by_expiry() -> None:
    assert (chain_item(EXPIRY), quotes_item(EXPIRY)) == ("CHAIN#2026-11-23", "QUOTES#2026-11-23")


def test_a_snapshot_survives_its_document() -> None:
    call, put = contract(58400), contract(58400, Right.PE)
    quotes = {quote_key(call): quoted(call, "311.5", "311.4", "311.6"), quote_key(put): quoted(put, "0")}
    snapshot = Snapshot(AT, Decimal("58412.35"), quotes)
    assert Snapshot.from_document(json.loads(json.dumps(snapshot.to_document()))) == snapshot
    assert snapshot.age(AT) == 0


def test_a_quote_the_broker_left_out_is_missing() -> None:
    call = contract(58400)
    quotes: dict[str, Quote] = {quote_key(call): quoted(call, "311.5")}
    assert quote_of(quotes, call).last == Decimal("311.5")
    with pytest.raises(QuoteMissing, match="NFO:BANKNIFTY26NOV58400PE"):
        quote_of(quotes, contract(58400, Right.PE))


def test_the_exchange_is_kept() -> None:
    assert chain_with([1]).exchange is Exchange.NFO
