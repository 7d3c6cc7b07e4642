"""boto3 clients, made once each, that never send anything twice."""

from __future__ import annotations

import os
import threading
from typing import Any

READ_TIMEOUT = 910
"""Seconds: longer than the longest Lambda, so that a slow function is never mistaken for a lost one."""

_NAMES = {
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentity": "cognito-identity",
    "elasticloadbalancingv2": "elbv2",
    "servicediscovery": "servicediscovery",
    "costexplorer": "ce",
}
"""Services whose name in a Resource is not boto3's."""


class Clients:
    """Clients by service. boto3 is imported with the first call: the endpoint starts without it."""

    def __init__(self, region: str, own_url: str) -> None:
        self._region = region
        self._own_url = own_url
        self._clients: dict[str, Any] = {}
        self._session: Any = None
        self._lock = threading.Lock()

    def get(self, service: str) -> Any:
        """Raises botocore.exceptions.UnknownServiceError if there is no such service."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def _make(self, service: str) -> Any:
        import boto3  # noqa: PLC0415  (0.4 s, which start-up need not pay)
        from botocore.config import Config  # noqa: PLC0415

        if self._session is None:
            self._session = boto3.session.Session()
        name = _NAMES.get(service, service)
        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=READ_TIMEOUT,
            connect_timeout=5,
            max_pool_connections=64,
            inject_host_prefix=False,  # `sync-127.0.0.1` is no host
        )
        credentials = {} if os.environ.get("AWS_ACCESS_KEY_ID") else _PLACEHOLDERS
        url = self._own_url if name == "stepfunctions" else None
        return self._session.client(
            name, region_name=self._region, config=config, endpoint_url=url, **credentials
        )


_PLACEHOLDERS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
"""Local services ask for some credentials and check none."""
