"""The platform on this machine: `python -m localstack up | down | status | skip | mail | admin | strategy`.

Ports: 8083 Step Functions, 4566 everything else of AWS (ministack), 9000 the exchange simulator, 8084 the
schedules, 8085 the page to watch executions on, 8086 the feed. Each can be set by an option or by
`ALGO_STEP_FUNCTIONS_PORT`, `ALGO_AWS_PORT`, `ALGO_SIMULATOR_PORT`, `ALGO_SCHEDULES_PORT`,
`ALGO_CONSOLE_PORT`, `ALGO_FEED_PORT`. Process ids, logs and the clock are in `.local/`, or where
`ALGO_STATE` says.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path

from brokers.clock import IST
from localstack.pager import pages
from localstack.people import NoMail, code_for, mails, make_admin
from localstack.platform import CANNOT_START, Market, Platform
from localstack.seed import USER, Plan, seed, time_of_day, write_schedules
from localstack.site import ROOT, Ports, Site, machine_arn

STATE = Path(os.environ.get("ALGO_STATE") or ROOT / ".local")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    ports = replace(
        Ports.from_environment(), **{f.name: v for f in fields(Ports) if (v := getattr(options, f.name))}
    )
    platform = Platform(Site(options.state, ports))
    done: int = options.run(platform, options)
    return done


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localstack", description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="folder for logs, process ids and the clock")
    for each in fields(Ports):
        parser.add_argument(f"--{each.name.replace('_', '-')}-port", dest=each.name, type=int, help="port")
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start what does not run, and deploy")
    up.add_argument("--at", type=_moment, help="let it be this moment in India, e.g. 2026-11-23T09:20")
    up.add_argument("--instruments", type=Path, help="a Kite instruments CSV to trade from")
    up.set_defaults(run=_up)
    commands.add_parser("down", help="stop everything").set_defaults(run=_down)
    commands.add_parser("status", help="say what runs and what is due").set_defaults(run=_status)
    skip = commands.add_parser("skip", help="let time pass at once, with everything that is due meanwhile")
    skip.add_argument("--until", required=True, help="a time of day in India, or 2026-11-25T09:40")
    skip.set_defaults(run=_skip)
    commands.add_parser("pages", help="who would have been called, and what for").set_defaults(run=_pages)
    mail = commands.add_parser("mail", help="show the e-mails that were sent, the newest last")
    mail.add_argument("--code-for", metavar="EMAIL", help="only the newest code sent to this address")
    mail.set_defaults(run=_mail)
    admin = commands.add_parser("admin", help="make a user an admin")
    admin.add_argument("email")
    admin.set_defaults(run=_admin)
    strategy = commands.add_parser("strategy", help="log in and schedule the example strategy")
    strategy.add_argument("--entry", type=time_of_day, help="time of day in India; default: in 5 minutes")
    strategy.add_argument("--exit", type=time_of_day, default=time_of_day("15:15"))
    strategy.add_argument("--weekdays", default="MON,TUE,WED,THU,FRI,SAT,SUN")
    strategy.add_argument("--expiry-day", action="store_true", help="trade on expiry day only, as in the demo")
    strategy.set_defaults(run=_strategy)
    return parser


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=IST)


def _up(platform: Platform, options: argparse.Namespace) -> int:
    try:
        platform.start(options.at, Market(options.instruments))
        platform.start_feed()
        platform.start_console()
        platform.start_supervisor()
    except CANNOT_START as error:
        print(error)
        return 1
    print(_where(platform))
    return 0


def _down(platform: Platform, _: argparse.Namespace) -> int:
    stopped = platform.stop()
    print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")
    return 0


def _status(platform: Platform, _: argparse.Namespace) -> int:
    running = platform.running()
    for name, pid in running.items():
        print(f"{name:<16} {'not running' if pid is None else f'running, process {pid}'}")
    if None in running.values():
        return 1
    print(_where(platform))
    return 0


def _skip(platform: Platform, options: argparse.Namespace) -> int:
    text: str = options.until
    until = _moment(text if "T" in text else f"{platform.clock.now().date().isoformat()}T{text}")
    platform.conductor.reach(until)
    print(f"It is {platform.clock.now():%a %d %b %Y %H:%M:%S} IST.")
    return 0


def _pages(platform: Platform, _: argparse.Namespace) -> int:
    for page in pages(platform.site.state / "ministack.log", platform.aws.step_functions):
        print(page)
    return 0


def _mail(platform: Platform, options: argparse.Namespace) -> int:
    if options.code_for:
        try:
            print(code_for(platform.site, options.code_for))
        except NoMail as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    for each in mails(platform.site):
        print(f"to {each.to}: {each.subject}\n  {each.text}")
    return 0


def _admin(platform: Platform, options: argparse.Namespace) -> int:
    make_admin(platform, options.email)
    print(f"{options.email} is an admin from the next sign-in on.")
    return 0


def _strategy(platform: Platform, options: argparse.Namespace) -> int:
    entry = options.entry or (platform.clock.now() + timedelta(minutes=5)).replace(second=0).time()
    plan = Plan(
        entry=entry.replace(second=0, microsecond=0, tzinfo=None),
        exit=options.exit,
        weekdays=options.weekdays.split(","),
        dte=0 if options.expiry_day else None,
    )
    seed(platform.aws, platform.site.simulator_url, plan)
    write_schedules(platform.aws, plan)
    print(f"{plan.name}: {USER} enters at {plan.entry:%H:%M} and exits at {plan.exit:%H:%M} IST.")
    print("Its schedules are due two minutes before; see them at", platform.site.schedules_url)
    return 0


def _where(platform: Platform) -> str:
    site = platform.site
    machine = machine_arn("StrategyLifecycle")
    return f"""
Executions          {site.console_url}        a page to watch and redrive them on
Step Functions      {site.step_functions_url}
AWS (ministack)     {site.aws_url}
Exchange simulator  {site.simulator_url}        ledger: {site.simulator_url}/_sim/ledger
HTTP API            {site.api_url}        ./algo connect --local
Schedules           {site.schedules_url}
Feed                {site.feed_url}
Clock               {platform.clock.now():%a %d %b %Y %H:%M:%S} IST
Logs                {site.state}/*.log

export AWS_ACCESS_KEY_ID=000000000000 AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=ap-south-1
aws stepfunctions list-executions --endpoint-url {site.step_functions_url} --state-machine-arn {machine}
aws dynamodb scan --endpoint-url {site.aws_url} --table-name algo-orders
make strategy       a strategy that enters in 5 minutes (its schedule is due in 3), in Asia/Kolkata
make down           stop everything
"""


if __name__ == "__main__":
    sys.exit(main())
