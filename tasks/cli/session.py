"""Which platform, and who: connect, sign-up, verify, sign-in, sign-out, whoami."""

from __future__ import annotations

import os
import webbrowser
from typing import Annotated

import typer

from tasks.cli.config import Connection
from tasks.cli.context import here, secret
from tasks.cli.errors import CliError, SignInRefused, Unreachable
from tasks.cli.identity import CodeFlow, Identity

LOCAL_AWS = f"http://127.0.0.1:{os.environ.get('ALGO_AWS_PORT', '4566')}"

app = typer.Typer()

Email = Annotated[str, typer.Option(help="Your e-mail address.")]


@app.command()
def connect(
    context: typer.Context,
    local: Annotated[bool, typer.Option("--local", help="The platform that `make up` started.")] = False,
    aws: Annotated[
        bool, typer.Option("--aws", help="Read the addresses from the stack in your account.")
    ] = False,
    aws_url: Annotated[str, typer.Option(help="Where the local AWS is.")] = LOCAL_AWS,
    url: Annotated[str, typer.Option(help="The API's address.")] = "",
    client_id: Annotated[str, typer.Option(help="The user pool's public client.")] = "",
    region: Annotated[str, typer.Option(help="Where the user pool is.")] = "ap-south-1",
    sign_in_url: Annotated[str, typer.Option(help="The sign-in page, for --browser.")] = "",
) -> None:
    """Say which platform the other commands talk to."""
    if local:
        connection = _from_stack(aws_url, region)
    elif aws:
        connection = _from_stack("", region)
    elif url and client_id:
        identity = f"https://cognito-idp.{region}.amazonaws.com/"
        connection = Connection(url.rstrip("/"), client_id, region, identity, sign_in_url)
    else:
        raise CliError("say which platform", hint="--local, --aws, or --url with --client-id")
    at = here(context)
    at.config.connect(connection)
    at.screen.say(f"Connected to {connection.url}", {"url": connection.url, "region": connection.region})


def _from_stack(aws_url: str, region: str) -> Connection:
    """The outputs of AlgoApi: of the emulator at `aws_url`, or of the account of your credentials."""
    import boto3  # noqa: PLC0415  (half a second that other commands need not wait)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    own = boto3.Session(aws_access_key_id="000000000000", aws_secret_access_key="local")  # noqa: S106
    client = (own if aws_url else boto3.Session()).client(
        "cloudformation", region_name=region, endpoint_url=aws_url or None
    )
    try:
        stack = client.describe_stacks(StackName="AlgoApi")["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        hint = "make up" if aws_url else "are you signed in to AWS, and is it deployed there? make deploy"
        raise Unreachable(f"no platform was found ({type(error).__name__})", hint=hint) from None
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    if aws_url:
        api = f"{aws_url}/_aws/execute-api/algoapi"
        return Connection(api, outputs["ClientId"], region, f"{aws_url}/", aws_url)
    identity = f"https://cognito-idp.{region}.amazonaws.com/"
    return Connection(outputs["ApiUrl"], outputs["ClientId"], region, identity, outputs["SignInUrl"])


@app.command()
def sign_up(
    context: typer.Context,
    email: Email,
    again: Annotated[bool, typer.Option("--again", help="Only send the code again.")] = False,
) -> None:
    """Make a user. A code comes by e-mail; the password is asked for, or taken from ALGO_PASSWORD."""
    at = here(context)
    identity = Identity(at.config.connection())
    if again:
        identity.send_code_again(email)
        sent = email
    else:
        sent = identity.sign_up(email, secret("ALGO_PASSWORD", "Password", confirm=True))
    at.screen.say(f"A code was sent to {sent}. Then: algo verify --email {email} --code …", {"sent_to": sent})


@app.command()
def verify(
    context: typer.Context, email: Email, code: Annotated[str, typer.Option(help="From the e-mail.")]
) -> None:
    """Prove that the e-mail address is yours."""
    at = here(context)
    Identity(at.config.connection()).verify(email, code.strip())
    at.screen.say(f"{email} is verified. Then: algo sign-in --email {email}", {"verified": email})


@app.command()
def sign_in(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="Your e-mail address.")] = "",
    browser: Annotated[bool, typer.Option("--browser", help="In a browser, with the code flow.")] = False,
) -> None:
    """Sign in. The password is asked for, or taken from ALGO_PASSWORD."""
    at = here(context)
    connection = at.config.connection()
    if browser:
        flow = CodeFlow.begin(connection)
        at.screen.err.print(f"Open {flow.address}", soft_wrap=True)
        webbrowser.open(flow.address)
        tokens = flow.wait()
    elif email:
        password = secret("ALGO_PASSWORD", "Password")
        tokens = Identity(connection).sign_in(email, password, lambda: secret("ALGO_TOTP", "Code of your app"))
    else:
        raise CliError("who signs in?", hint="algo sign-in --email you@example.com, or --browser")
    at.config.remember(tokens)
    at.screen.say(f"Signed in as {tokens.email}", {"email": tokens.email})


@app.command()
def sign_out(context: typer.Context) -> None:
    """Forget the sign-in here, and revoke it there."""
    at = here(context)
    try:
        Identity(at.config.connection()).sign_out(at.config.tokens())
    except (SignInRefused, Unreachable):
        pass  # it ends by itself; what matters is that this machine no longer has it
    finally:
        at.config.forget_tokens()
    at.screen.say("Signed out", {"signed_in": False})


@app.command()
def whoami(context: typer.Context) -> None:
    """Who is signed in, and in which groups."""
    at = here(context)
    me = at.api.get("/profile")
    at.screen.document(
        me,
        [
            ("e-mail", me.get("email", "")),
            ("name", me.get("name", "")),
            ("groups", ", ".join(me.get("groups", [])) or "none"),
            ("user id", me["user_id"]),
            ("platform", at.config.connection().url),
        ],
    )
