"""What is wrong with what a trader asked for, or with what the market lists.

::

    DomainError
     ├── InvalidStrategy       a strategy document cannot be what its author meant
     ├── InvalidDocument       a basket, subscription or account cannot be what its author meant
     ├── InvalidPayload        a schedule's event cannot be acted on
     ├── UnknownUnderlying     no index of that name is traded here
     ├── CalendarExhausted     the trading calendar does not reach that day
     ├── NoSuchExpiry          the exchange lists no contract for the expiry rule
     ├── ChainMismatch         contracts of different expiries or underlyings were mixed
     ├── StrikeNotListed       the exchange lists no such strike
     ├── PremiumOutOfRange     no listed strike trades at such a premium
     ├── DeltaOutOfRange       no listed strike has such a delta
     ├── QuoteMissing          the broker gave no price
     ├── FreezeLimitUnknown    no freeze limit is on file
     ├── RateUnknown           no charge is on file for that day, exchange or broker
     └── TooManySlices         the order is too big for nine slices

The class names are part of the contract with the state machines: a Python Lambda's exception surfaces in
Step Functions as its class name, and its text is what a person reads in the console.
"""

from __future__ import annotations


class DomainError(Exception):
    """Something was asked for that cannot be. The text says which field and what would be right."""


class InvalidStrategy(DomainError):
    """A strategy document is refused. `problems` holds one line for each field, path first."""

    def __init__(self, problems: tuple[str, ...], *, name: str = "") -> None:
        super().__init__(f"strategy{f' {name!r}' if name else ''}: {'; '.join(problems)}")
        self.problems = problems


class InvalidDocument(DomainError):
    """A document is refused. `problems` holds one line for each field, path first."""

    def __init__(self, problems: tuple[str, ...], *, what: str) -> None:
        super().__init__(f"{what}: {'; '.join(problems)}")
        self.problems = problems


class InvalidPayload(DomainError):
    """A schedule's event is refused. `problems` holds one line for each field, path first."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(f"event: {'; '.join(problems)}")
        self.problems = problems


class UnknownUnderlying(DomainError):
    """No index of that name is traded here."""


class CalendarExhausted(DomainError):
    """The trading calendar does not reach that day: guessing would trade on a holiday."""


class NoSuchExpiry(DomainError):
    """The exchange lists no contract for the expiry rule."""


class ChainMismatch(DomainError):
    """Contracts of different expiries or underlyings were given as one chain."""


class StrikeNotListed(DomainError):
    """The exchange lists no such strike."""


class PremiumOutOfRange(DomainError):
    """No listed strike trades at such a premium."""


class DeltaOutOfRange(DomainError):
    """No listed strike has such a delta."""


class QuoteMissing(DomainError):
    """The broker gave no price, and an order without a price is a guess."""


class FreezeLimitUnknown(DomainError):
    """No freeze limit is on file for the underlying on that day."""


class RateUnknown(DomainError):
    """No charge is on file for that day, exchange or broker: guessing would report a wrong profit."""


class TooManySlices(DomainError):
    """The order is too big to be sent in nine slices of whole lots."""
