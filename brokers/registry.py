"""The brokers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brokers.clock import Clock
from brokers.protocol import Broker


class UnknownBroker(ValueError):
    """No adapter has this name. Says which names there are."""


def connect(
    broker: str,
    secret: Mapping[str, str],
    *,
    account: str,
    clock: Clock,
    root: str | None = None,
    proxy_url: str | None = None,
    algo_id: str = "",
) -> Broker:
    """The account's session at `broker`. Nothing is sent yet.

    Parameters
    ----------
    secret
        The account's secret: for Zerodha `api_key`, `api_secret`, `access_token`, `user_id`.
    root
        Another address than the broker's own: the simulator's.
    proxy_url
        The egress that is registered for the account. Only order calls go through it.
    algo_id
        What the exchange gave the algo; it goes with every order where the broker takes one.

    Raises
    ------
    UnknownBroker
        If there is no such broker here.
    ValueError
        If the secret or the proxy can't be used. Names the field, never its value.
    """
    return _adapter(broker)(account, secret, clock=clock, root=root, proxy_url=proxy_url, algo_id=algo_id)


def supported() -> tuple[str, ...]:
    return tuple(sorted(_ADAPTERS))


def _adapter(broker: str) -> Callable[..., Broker]:
    try:
        return _ADAPTERS[broker]
    except KeyError:
        raise UnknownBroker(f"no broker {broker!r}: there is {', '.join(supported())}") from None


def _zerodha(account: str, secret: Mapping[str, str], **how: Any) -> Broker:
    from brokers.zerodha import Credentials, Zerodha  # noqa: PLC0415  (only the broker that is asked for is loaded)

    return Zerodha(Credentials.from_secret(account, secret), **how)


_ADAPTERS: dict[str, Callable[..., Broker]] = {"zerodha": _zerodha}
