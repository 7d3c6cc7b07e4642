"""People of a running platform: who sign up, link a broker and trade over the HTTP API, as anybody would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import requests

from localstack.platform import Platform
from localstack.seed import CREDENTIALS
from localstack.site import Site
from tasks.cli.client import Api
from tasks.cli.config import Connection
from tasks.cli.identity import Identity

SECONDS = 30
_CODE = re.compile(r"\b\d{6}\b")


class NoMail(LookupError):
    """Nothing was sent to that address."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail that the platform would have sent."""

    to: str
    subject: str
    text: str

    @property
    def code(self) -> str:
        """The code in it, or "" if it holds none."""
        found = _CODE.search(self.text)
        return found[0] if found else ""


def mails(site: Site) -> list[Mail]:
    """What was sent so far, oldest first."""
    answer = requests.get(f"{site.aws_url}/_ministack/ses/messages", timeout=SECONDS)
    found = [each for messages in answer.json()["messages"].values() for each in messages]
    found.sort(key=lambda each: each["Timestamp"])
    return [Mail(each["To"][0], each["Subject"], each["BodyText"] or each["BodyHtml"]) for each in found]


def code_for(site: Site, email: str) -> str:
    """The newest code that was sent to `email`.

    Raises
    ------
    NoMail
    """
    codes = [mail.code for mail in mails(site) if mail.to == email and mail.code]
    if not codes:
        raise NoMail(f"no code was sent to {email}")
    return codes[-1]


def outputs(platform: Platform) -> dict[str, str]:
    """What the stack AlgoApi says of itself."""
    (stack,) = platform.aws.cloudformation.describe_stacks(StackName="AlgoApi")["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def connection(platform: Platform) -> Connection:
    site = platform.site
    client_id = outputs(platform)["ClientId"]
    return Connection(site.api_url, client_id, "ap-south-1", f"{site.aws_url}/", site.aws_url)


def make_admin(platform: Platform, email: str) -> None:
    """Put a user into the group of those who publish and operate: on AWS, a click in the console."""
    platform.aws.identity.admin_add_user_to_group(
        UserPoolId=outputs(platform)["UserPoolId"], Username=email, GroupName="admin"
    )


@dataclass(slots=True)
class Person:
    """One signed-in user."""

    email: str
    password: str = field(repr=False)
    api: Api = field(repr=False)

    @classmethod
    def arrives(cls, platform: Platform, email: str, password: str, *, admin: bool = False) -> Person:
        """Sign up, prove the e-mail address, sign in."""
        at = connection(platform)
        identity = Identity(at)
        identity.sign_up(email, password)
        identity.verify(email, code_for(platform.site, email))
        if admin:
            make_admin(platform, email)
        return cls(email, password, Api(at, identity.sign_in(email, password, lambda: "")))

    @property
    def user_id(self) -> str:
        found: str = self.api.get("/profile")["user_id"]
        return found

    def links(self, account: str, **more: Any) -> None:
        known = CREDENTIALS[account]
        body = {"account": account, "api_key": known.api_key, "api_secret": known.api_secret, **more}
        self.api.send("POST", "/accounts", body)

    def logs_in(self, account: str) -> str:
        """Open the broker's login page, which sends the browser on to our callback; what it shows."""
        address = self.api.get(f"/accounts/{account}/login")["address"]
        page = requests.get(address, timeout=SECONDS)
        page.raise_for_status()
        return page.text
