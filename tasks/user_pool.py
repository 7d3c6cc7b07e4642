"""What the user pool knows of a user."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.client import CognitoIdentityProviderClient

_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})


class UserPool:
    """The people of the user pool with the id `pool`."""

    def __init__(self, client: CognitoIdentityProviderClient, pool: str) -> None:
        self._client = client
        self._pool = pool

    def email_of(self, user_id: str) -> str:
        """Their verified address, "" if there is none, or no such user."""
        try:
            user = self._client.admin_get_user(UserPoolId=self._pool, Username=user_id)
        except ClientError as error:
            if error.response["Error"]["Code"] == "UserNotFoundException":
                return ""
            raise
        known = {each["Name"]: each.get("Value", "") for each in user["UserAttributes"]}
        return known.get("email", "") if known.get("email_verified") == "true" else ""


def people_from_environment() -> UserPool:
    return UserPool(boto3.client("cognito-idp", config=_CONFIG), _pool_id(os.environ["USERS_PARAMETER"]))


@lru_cache(maxsize=1)
def _pool_id(parameter: str) -> str:
    """The pool is made after the functions, so its id is not in their environment."""
    answer = boto3.client("ssm", config=_CONFIG).get_parameter(Name=parameter)
    return str(answer["Parameter"]["Value"])
