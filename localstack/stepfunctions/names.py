"""Names and ARNs of machines and executions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from localstack.stepfunctions.errors import ApiError

_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
MAX_NAME = 80


def check_name(name: str) -> None:
    """Raises InvalidName: 1 to 80 characters, none of which a name in an ARN may not have."""
    if not 0 < len(name) <= MAX_NAME or _FORBIDDEN.search(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the endpoint says it is: what its ARNs are made of."""

    region: str
    account: str

    def machine(self, name: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:stateMachine:{name}"

    def execution(self, machine: str, name: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:execution:{machine}:{name}"

    def express(self, machine: str, name: str, id_: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:express:{machine}:{name}:{id_}"


def check_arn(arn: str, kind: str) -> None:
    """Raises InvalidArn if this is no ARN of a `stateMachine` or an `execution`."""
    parts = arn.split(":")
    if len(parts) < 7 or parts[0] != "arn" or parts[2] != "states":
        raise ApiError("InvalidArn", f"Invalid Arn: '{arn}'")
    if parts[5] != kind:
        raise ApiError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {parts[5]}'")
