"""Logging an account in from the page. Only the exchange simulator lets anybody but its owner do that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localstack.console.actions import Login

if TYPE_CHECKING:
    import boto3


def simulator_login(session: boto3.Session, simulator_url: str) -> Login | None:
    """The simulator's login, by the same two steps as at Zerodha; None if the platform has no simulator."""
    if not simulator_url.startswith("http://127.0.0.1:"):
        return None

    def log_in(account: str) -> None:
        from localstack import seed  # noqa: PLC0415  (brings the broker's client, which a page on AWS needs not)

        seed.store_secret(session.client("secretsmanager"), seed.log_in(simulator_url, account))

    return log_in
