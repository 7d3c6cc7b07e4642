"""Sign-up and sign-in at the user pool: by password (and TOTP), or in a browser with the code flow and PKCE."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tasks.cli.config import Connection, Tokens
from tasks.cli.errors import NotSignedIn, SignInRefused, Unreachable

SECONDS = 15
SIGNED_IN = "http://localhost:8765/signed-in"
"""Where the browser comes back to, as it is registered with the client (`infra.api`)."""

_TARGET = "AWSCognitoIdentityProviderService"
_HINTS = {
    "CodeMismatchException": "look at the newest e-mail, or ask for another code: algo sign-up --again",
    "ExpiredCodeException": "ask for another code: algo sign-up --again",
    "InvalidPasswordException": "at least 12 characters with a capital, a digit and a sign such as !",
    "UserNotConfirmedException": "the code in the e-mail first: algo verify --email … --code …",
    "UsernameExistsException": "algo sign-in",
    "NotAuthorizedException": "e-mail or password is wrong",
    "TooManyRequestsException": "wait a minute",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The user pool of one platform, as its public client sees it."""

    connection: Connection
    now: Callable[[], float] = time.time

    def sign_up(self, email: str, password: str) -> str:
        """Make a user; where the code was sent to.

        Raises
        ------
        SignInRefused, Unreachable
            A weak password, a user that exists.
        """
        body = self._call(
            "SignUp",
            Username=email,
            Password=password,
            UserAttributes=[{"Name": "email", "Value": email}],
        )
        return str((body.get("CodeDeliveryDetails") or {}).get("Destination", email))

    def send_code_again(self, email: str) -> None:
        self._call("ResendConfirmationCode", Username=email)

    def verify(self, email: str, code: str) -> None:
        """Prove that the e-mail is theirs."""
        self._call("ConfirmSignUp", Username=email, ConfirmationCode=code)

    def sign_in(self, email: str, password: str, ask_for_totp: Callable[[], str]) -> Tokens:
        """With a second factor if the user set one up: `ask_for_totp` is then called."""
        answer = self._call(
            "InitiateAuth",
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        if answer.get("ChallengeName") == "SOFTWARE_TOKEN_MFA":
            answer = self._call(
                "RespondToAuthChallenge",
                ChallengeName="SOFTWARE_TOKEN_MFA",
                Session=answer["Session"],
                ChallengeResponses={"USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": ask_for_totp()},
            )
        return self._tokens(email, answer)

    def refresh(self, tokens: Tokens) -> Tokens:
        """The next hour's token. Raises `NotSignedIn` when a month is over, or it was revoked."""
        try:
            answer = self._call(
                "InitiateAuth",
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": tokens.refresh_token},
            )
        except SignInRefused:
            raise NotSignedIn("the sign-in is over") from None
        result = answer.get("AuthenticationResult") or {}
        renewed = {"RefreshToken": tokens.refresh_token, **result}
        return self._tokens(tokens.email, {"AuthenticationResult": renewed})

    def sign_out(self, tokens: Tokens) -> None:
        """Revoke what was given out. Best effort: the tokens are forgotten here in any case."""
        self._call("RevokeToken", Token=tokens.refresh_token)

    def _tokens(self, email: str, answer: Mapping[str, Any]) -> Tokens:
        result = answer.get("AuthenticationResult")
        if not result:
            raise SignInRefused("Challenge", f"the sign-in asks for {answer.get('ChallengeName', 'more')}")
        return Tokens(email, result["IdToken"], result["RefreshToken"], self.now() + int(result["ExpiresIn"]))

    def _call(self, action: str, **parameters: Any) -> dict[str, Any]:
        try:
            answer = requests.post(
                self.connection.identity_url,
                json={"ClientId": self.connection.client_id, **parameters},
                headers={
                    "X-Amz-Target": f"{_TARGET}.{action}",
                    "Content-Type": "application/x-amz-json-1.1",
                },
                timeout=SECONDS,
            )
        except requests.RequestException as error:
            raise Unreachable(f"the user pool does not answer ({type(error).__name__})") from None
        body: dict[str, Any] = answer.json() if answer.content else {}
        if answer.status_code >= 400:
            kind = str(body.get("__type", "Error")).rpartition("#")[2]
            raise SignInRefused(kind, str(body.get("message", kind)), hint=_HINTS.get(kind, ""))
        return body


@dataclass(frozen=True, slots=True)
class CodeFlow:
    """One sign-in in a browser (RFC 7636). The verifier never leaves this process until the code is back."""

    connection: Connection
    verifier: str
    state: str

    @classmethod
    def begin(cls, connection: Connection) -> CodeFlow:
        return cls(connection, secrets.token_urlsafe(48), secrets.token_urlsafe(16))

    @property
    def address(self) -> str:
        """What the browser opens."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.connection.client_id,
            "redirect_uri": SIGNED_IN,
            "scope": "openid email profile",
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.connection.sign_in_url}/oauth2/authorize?{urlencode(query)}"

    def wait(self) -> Tokens:
        """Listen on loopback until the browser comes back, and trade its code for tokens.

        Raises
        ------
        SignInRefused
            If it comes back with another state, or with an error.
        """
        came_back = _listen(urlsplit(SIGNED_IN).port or 80)
        return self.trade(came_back)

    def trade(self, came_back: Mapping[str, str]) -> Tokens:
        if not secrets.compare_digest(came_back.get("state", ""), self.state):
            raise SignInRefused("State", "the browser came back from another sign-in", hint="try again")
        if "code" not in came_back:
            raise SignInRefused(
                "Browser", came_back.get("error_description") or came_back.get("error", "no code")
            )
        answer = requests.post(
            f"{self.connection.sign_in_url}/oauth2/token",
            data={
                "grant_type": "authorization_code",
                "client_id": self.connection.client_id,
                "code": came_back["code"],
                "redirect_uri": SIGNED_IN,
                "code_verifier": self.verifier,
            },
            timeout=SECONDS,
        )
        if not answer.ok:
            raise SignInRefused("Code", "the code was not accepted", hint="try again")
        body = answer.json()
        email = _claim(body["id_token"], "email")
        return Tokens(email, body["id_token"], body["refresh_token"], time.time() + int(body["expires_in"]))


def _claim(token: str, name: str) -> str:
    """A claim of our own token. It is not checked here: the API does that."""
    import json  # noqa: PLC0415  (only this sign-in needs it)

    part = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))).get(name, ""))


def _listen(port: int) -> dict[str, str]:
    """The query of the first request to the registered path."""
    found: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == urlsplit(SIGNED_IN).path:
                found.update({name: values[0] for name, values in parse_qs(parts.query).items()})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Signed in. You can close this page.")

        def log_message(self, format: str, *args: object) -> None:
            """The query holds the code: nothing is logged."""

    try:
        server = HTTPServer(("127.0.0.1", port), Handler)
    except OSError:
        raise SignInRefused(
            "Port",
            f"port {port} is taken, and the browser has to come back there",
            hint="algo sign-in --email …",
        ) from None
    with server:
        while not found:
            server.handle_request()
    return found
