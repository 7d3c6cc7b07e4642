"""What Kite checks before it gives an order an id. Everything else is found out by the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from brokers.simulator.instruments import Contract, Listing
from brokers.simulator.orders import Change, NewOrder, Order
from brokers.simulator.protection import AUTOMATIC
from brokers.simulator.replies import bad_input, order_refused
from brokers.simulator.underlyings import underlyings

LONGEST_TAG = 20
REQUIRED = ("exchange", "tradingsymbol", "transaction_type", "quantity", "product", "order_type")
CHOICES = {
    "transaction_type": ("BUY", "SELL"),
    "order_type": ("LIMIT", "MARKET", "SL", "SL-M"),
    "product": ("MIS", "NRML"),
    "validity": ("DAY", "IOC"),
}
UNPROTECTED = (
    "Market orders without market protection are not allowed via API. "
    "Please set market protection or use a Limit order."
)
CLOSED = "Markets are closed right now. Orders are taken between 09:15 and the close."

Form = Mapping[str, str]


def new_order(
    form: Form, *, account: str, variety: str, listing: Listing, at: datetime, is_open: bool
) -> NewOrder:
    """The order that a form asks for.

    Raises
    ------
    KiteError
        With Kite's HTTP code and error class, for the first rule that the form breaks.
    """
    for name in REQUIRED:
        if not form.get(name):
            raise bad_input(f"Missing or empty field `{name}`")
    if variety != "regular":
        raise bad_input(f"Invalid `variety`: this exchange takes only regular orders, not {variety}.")
    if form.get("autoslice") == "true":
        raise bad_input("Order slicing is not available: send slices of at most the freeze quantity.")
    if len(form.get("tag", "")) > LONGEST_TAG:
        raise bad_input(f"Invalid `tag`: it should be at most {LONGEST_TAG} characters long.")
    contract = _contract(form, listing, at)
    order_type = _choice(form, "order_type")
    order = NewOrder(
        account=account,
        contract=contract,
        side=_choice(form, "transaction_type"),
        order_type=order_type,
        quantity=_quantity(form["quantity"], contract),
        price=_price(form, "price", contract, needed=order_type in ("LIMIT", "SL")),
        product=_choice(form, "product"),
        trigger_price=_price(form, "trigger_price", contract, needed=order_type in ("SL", "SL-M")),
        validity=_choice(form, "validity", default="DAY"),
        market_protection=_protection(form, order_type),
        disclosed_quantity=int(_decimal(form.get("disclosed_quantity", "0"), "disclosed_quantity")),
        variety=variety,
        tag=form.get("tag", ""),
    )
    if not is_open:
        raise order_refused(CLOSED)
    return order


def change(form: Form, order: Order) -> Change:
    """The modification that a form asks for."""
    contract = order.contract
    order_type = _choice(form, "order_type") if "order_type" in form else None
    effective = order_type or order.order_type
    return Change(
        quantity=_quantity(form["quantity"], contract) if "quantity" in form else None,
        price=_price(form, "price", contract, needed=False) if "price" in form else None,
        order_type=order_type,
        trigger_price=_price(form, "trigger_price", contract, needed=False)
        if "trigger_price" in form
        else None,
        validity=_choice(form, "validity") if "validity" in form else None,
        market_protection=_protection(form, effective) if order_type in ("MARKET", "SL-M") else None,
    )


def _contract(form: Form, listing: Listing, at: datetime) -> Contract:
    found = listing.by_key.get(f"{form['exchange']}:{form['tradingsymbol']}")
    if found is None or found.expiry < at.date():
        raise bad_input("The instrument you are placing an order for has either expired or does not exist.")
    return found


def _choice(form: Form, name: str, default: str = "") -> str:
    value = form.get(name, default)
    if value not in CHOICES[name]:
        raise bad_input(f"Invalid `{name}`: {value!r} is none of {', '.join(CHOICES[name])}.")
    return value


def _quantity(text: str, contract: Contract) -> int:
    if not text.isdigit() or int(text) == 0:
        raise bad_input(f"Invalid `quantity`: {text!r} is not a positive whole number.")
    quantity = int(text)
    if quantity % contract.lot:
        raise bad_input(f"Invalid `quantity`: it should be a multiple of the lot size {contract.lot}.")
    freeze = underlyings()[contract.underlying].freeze
    largest = freeze // contract.lot * contract.lot
    if quantity > largest:
        raise bad_input(
            f"Quantity exceeds the freeze quantity: at most {largest} in one order of {contract.symbol}."
        )
    return quantity


def _price(form: Form, name: str, contract: Contract, *, needed: bool) -> Decimal:
    text = form.get(name) or "0"
    value = _decimal(text, name)
    if value < 0 or (needed and value == 0):
        raise bad_input(f"Invalid `{name}`: a price above zero is needed, not {text}.")
    if value % contract.tick:
        raise bad_input(f"Invalid `{name}`: {text} is not a multiple of the tick size {contract.tick}.")
    return value


def _protection(form: Form, order_type: str) -> Decimal:
    value = _decimal(form.get("market_protection", "0"), "market_protection")
    if value != AUTOMATIC and not 0 <= value <= 100:
        raise bad_input("Invalid `market_protection`: -1, or a percentage above 0 and up to 100.")
    if order_type in ("MARKET", "SL-M") and value == 0:
        raise bad_input(UNPROTECTED)
    return value


def _decimal(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise bad_input(f"Invalid `{name}`: {text!r} is not a number.") from None
    if not value.is_finite():
        raise bad_input(f"Invalid `{name}`: {text!r} is not a number.")
    return value
