"""The whole platform on one machine: its processes, started in the right order, deployed to, and stopped."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from localstack import supervisor
from localstack.aws import Aws
from localstack.clock import MovableClock
from localstack.conductor import Conductor, Http, Queue
from localstack.deploy import (
    DeployFailed,
    deploy_machines,
    deploy_schedules,
    deploy_stacks,
    deploy_timetable,
    keep,
)
from localstack.feeding import Feeding
from localstack.processes import DidNotStart, Processes, Service
from localstack.seed import CREDENTIALS
from localstack.site import ACCOUNT_ID, HOST, PREFIX, REGION, ROOT, Ports, Site
from localstack.synthesis import SynthesisFailed, assembly

EMULATOR_PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
CANNOT_START = (DidNotStart, SynthesisFailed, DeployFailed)
"""What can go wrong on the way up. Each says in its message what to look at."""

POSTBACK_API = "algolocal"
"""The id that `infra` asks the emulator to give the HTTP API, so that its address is known beforehand."""


@dataclass(frozen=True, slots=True)
class Market:
    """What the exchange simulator plays."""

    instruments: Path | None = None
    """A Kite instruments CSV; None lets the simulator list the day's contracts by the exchange's rules."""
    seed: int = 7


class Platform:
    """One running (or stopped) platform at one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.aws = Aws(site)
        self.clock = MovableClock(site.clock_file)
        self._processes = Processes(site.state)

    @cached_property
    def conductor(self) -> Conductor:
        """Moves this platform's clock when nothing is under way."""
        site = self.site
        simulator = Http(f"{site.simulator_url}/_sim/idle")
        feed = Feeding(site.feed_url, lambda: self._processes.pid(self.feed) is not None)
        return Conductor(
            self.clock,
            (
                feed,
                Http(f"{site.schedules_url}/_local/idle"),
                simulator,
                Queue(self._updates),
                Http(f"{site.aws_url}/_local/idle"),
                Http(f"{site.step_functions_url}/_local/idle"),
            ),
            pokes=(f"{site.simulator_url}/_local/clock", f"{site.step_functions_url}/_local/clock"),
            pacer=feed,
            restless=(feed, simulator),
            ticks=(f"{site.simulator_url}/_local/clock",),
        )

    def start(self, now: datetime | None, market: Market) -> None:
        """Start what does not run yet and deploy. `now` sets the clock; None leaves it, at first the wall's.

        Raises
        ------
        DidNotStart, SynthesisFailed, DeployFailed
            With what the part that failed has to say.
        """
        _check_environment()
        self.site.state.mkdir(parents=True, exist_ok=True)
        if not any(self.running().values()):
            # Tables and the broker's book begin empty: executions of an earlier time would act on what is gone.
            shutil.rmtree(self._executions, ignore_errors=True)
            shutil.rmtree(self._tables, ignore_errors=True)
            self._fired.unlink(missing_ok=True)
        if now is not None:
            self.clock.set(now)
        elif not any(self.running().values()):
            self.clock.set_offset(0.0)
        services = self.services(market)
        with ThreadPoolExecutor() as pool:
            synthesized = pool.submit(assembly)  # the longest part when it is not cached
            for service in services:
                self._processes.start(service, self.site.environment())
            for service in services:
                self._processes.wait_until_up(service)
            deploy_stacks(synthesized.result(), self.aws, self.site.aws_url)
        deploy_machines(self.aws)
        deploy_schedules(self.aws)
        deploy_timetable(self.aws)
        keep(self.site.aws_url)

    def start_console(self) -> None:
        """Start the page to watch executions in, unless it runs.

        Raises
        ------
        DidNotStart
            With what it has to say.
        """
        self._processes.start(self.console, self.site.environment())
        self._processes.wait_until_up(self.console)

    def start_feed(self) -> None:
        """Start the feed, unless it runs: what a strategy with levels or indicators needs.

        Raises
        ------
        DidNotStart
            With what it has to say.
        """
        self._processes.start(self.feed, self.site.environment())
        self._processes.wait_until_up(self.feed)

    def start_supervisor(self) -> None:
        """Start what starts again whatever dies, unless it runs."""
        self._processes.start(self.supervisor, self.site.environment())

    def stop(self) -> list[str]:
        """Stop everything; the names of what ran. The supervisor first: it would start them again."""
        services = reversed([*self.services(Market()), self.feed, self.console, self.supervisor])
        return [service.name for service in services if self._processes.stop(service)]

    def kill_and_restart(self, name: str) -> None:
        """End one process as `kill -9` does, and start it again at once. Raises DidNotStart."""
        service = next(each for each in [*self.services(Market()), self.feed] if each.name == name)
        self._processes.kill(service)
        self._processes.start(service, self.site.environment())
        self._processes.wait_until_up(service)

    def running(self) -> dict[str, int | None]:
        """The process id of each service, None where it doesn't run."""
        services = [*self.services(Market()), self.feed, self.console, self.supervisor]
        return {each.name: self._processes.pid(each) for each in services}

    def postback_url(self, account: str) -> str:
        """Where the broker posts an account's order updates."""
        return f"{self.site.aws_url}/_aws/execute-api/{POSTBACK_API}/postback/{account}"

    @property
    def _executions(self) -> Path:
        """Where the Step Functions endpoint keeps its journal: over its own end, not over the platform's."""
        return self.site.state / "stepfunctions"

    @property
    def _tables(self) -> Path:
        """Where ministack keeps what it knows: also over its own end alone."""
        return self.site.state / "ministack"

    @property
    def _fired(self) -> Path:
        """Where the schedule loop keeps what it has fired."""
        return self.site.state / "schedules.json"

    @property
    def console(self) -> Service:
        """The page. Nothing of the platform needs it."""
        site = self.site
        port = ["--port", str(site.ports.console)]
        return _python("console", "localstack.console", port, f"{site.console_url}/assets/icon.svg")

    @property
    def feed(self) -> Service:
        """The market feed: the very process that runs on Fargate."""
        port = ["--port", str(self.site.ports.feed)]
        return _python("feed", "tasks.feed", port, f"{self.site.feed_url}/_local/idle")

    @property
    def supervisor(self) -> Service:
        """What starts the others again. It has no address."""
        return _python("supervisor", supervisor.MARK, ["--state", str(self.site.state.resolve())], "")

    def services(self, market: Market) -> list[Service]:
        """Every process, in the order in which they start."""
        site, ports = self.site, self.site.ports
        simulator = ["--port", str(ports.simulator), "--seed", str(market.seed)]
        simulator += ["--postback-url", self.postback_url("{account}")]
        simulator += ["--redirect-url", f"{site.api_url}/callback/{{account}}"]
        for account, known in CREDENTIALS.items():
            simulator += ["--account", f"{account}:{known.api_key}:{known.api_secret}"]
        if market.instruments is not None:
            simulator += ["--instruments", str(market.instruments.resolve())]
        return [
            Service(
                "ministack",
                [str(EMULATOR_PYTHON), "-m", "localstack.emulator"],
                f"{site.aws_url}/_ministack/health",
                "localstack.emulator",
                _ministack_variables(ports, self._tables),
            ),
            _python("simulator", "brokers.simulator", simulator, f"{site.simulator_url}/_sim/idle"),
            _python(
                "step-functions",
                "localstack.stepfunctions",
                ["--port", str(ports.step_functions), "--data", str(self._executions)],
                f"{site.step_functions_url}/_local/idle",
            ),
            _python(
                "schedules",
                "localstack.schedule_loop",
                ["--port", str(ports.schedules), "--data", str(self._fired)],
                f"{site.schedules_url}/",
            ),
        ]

    def _updates(self) -> tuple[int, int]:
        """Order updates that wait, and those that are being applied or were set aside."""
        counts = self.aws.sqs.get_queue_attributes(
            QueueUrl=f"{self.site.aws_url}/{ACCOUNT_ID}/{PREFIX}-updates",
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        waiting, hidden = counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]
        return int(waiting), int(hidden)


def _python(name: str, module: str, arguments: list[str], health_url: str) -> Service:
    return Service(name, [sys.executable, "-m", module, *arguments], health_url, module)


def _ministack_variables(ports: Ports, state: Path) -> dict[str, str]:
    return {
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "BIND_HOST": HOST,  # its default is every interface
        "IOT_MTLS_ENABLED": "0",  # would listen on every interface, whatever BIND_HOST says
        "SFTP_ENABLED": "0",
        "GATEWAY_PORT": str(ports.aws),
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
    }


def _check_environment() -> None:
    """Refuse early, and say what to do, where the Python environments are not as they should be."""
    if not EMULATOR_PYTHON.exists():
        raise DidNotStart("the emulator's environment is missing: run `make install`")
    try:
        found = version("localstack")
    except PackageNotFoundError:
        return
    raise DidNotStart(
        f"PyPI's localstack {found} is installed and shadows our folder of that name: pip uninstall localstack"
    )
