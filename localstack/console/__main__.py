"""Start the page: `python -m localstack.console --port 8085`.

Without options it watches the platform that the environment names (`AWS_ENDPOINT_URL_SFN`, set by `make up`).
`--endpoint` names another Step Functions endpoint; `--profile` and `--region` choose an AWS account.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import boto3
from botocore.config import Config

from brokers.clock import SystemClock
from localstack.console.actions import Actions
from localstack.console.api import Api
from localstack.console.app import Console, Setup
from localstack.console.follow import Following
from localstack.console.guard import Guard
from localstack.console.listing import Listing
from localstack.console.login import simulator_login
from localstack.console.pace import AWS, LOCAL
from localstack.console.trade import Trades
from localstack.site import ACCOUNT_ID, HOST, REGION, ROOT
from tasks.stores.dynamodb import from_environment

DEFAULT_PORT = 8085
BUNDLE = ROOT / "build" / "console"


def main() -> None:
    options = _options()
    import uvicorn  # noqa: PLC0415  (its import is most of the start-up)

    uvicorn.run(
        build(options).app(),
        host=HOST,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localstack.console", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--endpoint", help="a Step Functions endpoint; default: AWS_ENDPOINT_URL_SFN")
    parser.add_argument("--profile", help="an AWS profile: watch that account, and no endpoint of this machine")
    parser.add_argument("--region", help="the AWS region")
    parser.add_argument("--read-only", action="store_true", help="offer no redrive, start or stop")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="the folder with the built page")
    options = parser.parse_args()
    if options.profile and options.endpoint:
        parser.error("--profile is for AWS and --endpoint for another place: name one of them")
    return options


def build(options: argparse.Namespace) -> Console:
    """The console of these options."""
    on_aws = bool(options.profile) or not (options.endpoint or os.environ.get("AWS_ENDPOINT_URL_SFN"))
    session = _session(options, on_aws=on_aws)
    config = Config(
        connect_timeout=3,
        read_timeout=20,
        max_pool_connections=32,
        retries={"mode": "standard", "max_attempts": 3 if on_aws else 1},
        ignore_configured_endpoint_urls=on_aws,  # type: ignore[call-arg]  # the stubs do not know it
        user_agent_extra="algo-console",
    )
    client = session.client("stepfunctions", endpoint_url=options.endpoint, config=config)
    pace = AWS if on_aws else LOCAL
    api = Api(client, pace)
    following, listing = Following(api, pace), Listing(api, pace)
    login = None if on_aws else simulator_login(session, os.environ.get("KITE_ROOT", ""))
    place = f"{options.profile or 'AWS'} · {session.region_name}" if on_aws else client.meta.endpoint_url
    return Console(
        setup=Setup(place, options.bundle, options.read_only, trade_pause=5.0 if on_aws else 0.7),
        api=api,
        following=following,
        listing=listing,
        actions=Actions(api, following, listing, login),
        trades=_trades(session, config, on_aws=on_aws),
        guard=Guard.on_port(options.port),
        clock=SystemClock() if on_aws else SystemClock.from_environment(),
    )


def _session(options: argparse.Namespace, *, on_aws: bool) -> boto3.Session:
    if on_aws:
        return boto3.Session(profile_name=options.profile, region_name=options.region)
    known = "AWS_ACCESS_KEY_ID" in os.environ  # an emulator takes anything, but boto3 wants something
    region = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    if known:
        return boto3.Session(region_name=region)
    return boto3.Session(
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="local",  # noqa: S106  (an emulator's)
        region_name=region,
    )


def _trades(session: boto3.Session, config: Config, *, on_aws: bool) -> Trades | None:
    """The tables; None beside a local endpoint that comes without any, so that no real account is asked."""
    if not on_aws and not os.environ.get("AWS_ENDPOINT_URL"):
        return None
    return Trades(from_environment(session.client("dynamodb", config=config)))


if __name__ == "__main__":
    main()
