"""Start the endpoint: `python -m localstack.stepfunctions --port 8083 --data DIR`."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from brokers.clock import SystemClock
from localstack.stepfunctions.app import App
from localstack.stepfunctions.journal import Journal
from localstack.stepfunctions.names import Place
from localstack.stepfunctions.service import Service

HOST = "127.0.0.1"
DEFAULT_PORT = 8083
DEFAULT_REGION = "ap-south-1"
DEFAULT_ACCOUNT = "000000000000"


def main() -> None:
    options = _options()
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    place = Place(region, options.account)
    own_url = f"http://{HOST}:{options.port}"
    clock = SystemClock.from_environment()

    def make() -> Service:
        return Service(place, clock, own_url, Journal(options.data, power_safe=options.power_safe))

    app = App(make)
    _serve(app, options.port, options.log_level)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localstack.stepfunctions", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--data", type=Path, help="folder of the journal; without it, nothing is kept")
    parser.add_argument(
        "--power-safe", action="store_true", help="wait for the disk at each commit: survives a power cut too"
    )
    parser.add_argument("--account", default=DEFAULT_ACCOUNT, help="the account number in the ARNs")
    parser.add_argument("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    return parser.parse_args()


def _serve(app: App, port: int, log_level: str) -> None:
    import uvicorn  # noqa: PLC0415  (its import is most of the start-up)

    uvicorn.run(
        app,
        host=HOST,
        port=port,
        log_level=log_level,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
