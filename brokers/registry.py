"""The brokers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brokers.clock import Clock
from brokers.protocol import Broker
from brokers.stream import Stream, StreamListener


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


def open_stream(
    broker: str,
    secret: Mapping[str, str],
    listener: StreamListener,
    *,
    account: str,
    clock: Clock,
    root: str | None = None,
) -> Stream:
    """The account's ticks and order updates, not connected yet. `secret` as in `connect`.

    Raises
    ------
    UnknownBroker
        If there is no such broker here.
    ValueError
        If the secret can't be used.
    """
    try:
        return _STREAMS[broker](account, secret, listener, clock=clock, root=root)
    except KeyError:
        raise UnknownBroker(f"no stream of broker {broker!r}: there is {', '.join(_STREAMS)}") from None


def prepare_streams() -> None:
    """Load what streams need: seconds that a feed which waits should not spend when it takes over."""
    import brokers.zerodha.ticker  # noqa: F401, PLC0415


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


def _zerodha_stream(account: str, secret: Mapping[str, str], listener: StreamListener, **how: Any) -> Stream:
    from brokers.zerodha import Credentials  # noqa: PLC0415
    from brokers.zerodha.ticker import KiteStream  # noqa: PLC0415  (Twisted, which only the feed needs)

    return KiteStream(Credentials.from_secret(account, secret), listener, **how)


_STREAMS: dict[str, Callable[..., Stream]] = {"zerodha": _zerodha_stream}
