"""What can go wrong when something is read from a broker.

::

    BrokerError
     ├── TokenExpired        a person has to log in; after that a redrive goes on
     ├── EgressRefused       the broker does not take orders from this address
     ├── RateLimited         too many requests; nothing happened
     ├── BrokerUnavailable   no answer, or an answer that says nothing (5xx, garbled, time-out)
     └── RequestRefused      the broker understood the request and said no

The class names are part of the contract with the state machines: a Python Lambda's exception surfaces in
Step Functions as its class name, and Retry and Catch match on it.
"""

from __future__ import annotations


class BrokerError(Exception):
    """A read from a broker failed.

    Parameters
    ----------
    message
        What was wrong and what to do about it. Never holds a secret.
    account
        The broker account the read was made for, if known.
    """

    def __init__(self, message: str, *, account: str = "") -> None:
        super().__init__(f"{message} (account {account})" if account else message)
        self.account = account


class TokenExpired(BrokerError):
    """The account's session is over: its owner has to log in again (Kite: daily, ends at 06:00 IST)."""


class EgressRefused(BrokerError):
    """The broker refuses this address for the account: only the registered one may send orders."""


class RateLimited(BrokerError):
    """Too many requests: nothing happened, and the same request may be made again a little later."""


class BrokerUnavailable(BrokerError):
    """The broker did not answer, or answered with something that says nothing. Nothing can be concluded."""


class RequestRefused(BrokerError):
    """The broker understood the request and refused it."""
