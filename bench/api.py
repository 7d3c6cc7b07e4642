"""One order through the HTTP API: the command that runs a strategy now, and how long until the broker has it.

Twice: the API's own work, in the process over the stores in memory; and the whole stack of the local platform,
that is gateway, token check and Lambda of the emulator, then the Step Functions endpoint, more Lambdas,
`kiteconnect` and the exchange simulator. The emulator runs each Lambda as a process, and its gateway is Python
too: most of the second figure is its own.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

from localstack.cases import BEGIN
from localstack.demo import running_platform
from localstack.exchange import Exchange
from localstack.people import Person
from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.seed import ACCOUNT
from tests.api.world import NOON, STRADDLE, World, linked

IN_PROCESS = 90
"""A strategy can be run by hand 99 times a day."""
OVER_HTTP = 15
WARM_UP = 3
PASSWORD = "Bench-Passphrase-7!"
PEER = "OpenAlgo, live path: p50 17.7, p95 23.9 ms"

Figure = dict[str, object]


def run() -> Iterator[Figure]:
    yield from _figures("the command, in the process, in-memory stores", _in_process(), f"{PEER}; aim p50 10")
    if not EMULATOR_PYTHON.exists():
        yield {"name": "api: over HTTP: not measured", "value": "", "unit": "", "reference": "make install"}
        return
    with running_platform(Market(), BEGIN) as platform:
        answered, accepted = _over_http(platform)
    yield from _figures("the command, over HTTP on the local platform", answered, PEER)
    yield from _figures("from the command to the broker's order, the same", accepted, "")


def _figures(name: str, times: Sequence[float], reference: str) -> list[Figure]:
    cuts = statistics.quantiles(times, n=20)
    return [
        {"name": f"api: {name}, p50", "value": round(cuts[9], 1), "unit": "ms", "reference": reference},
        {"name": f"api: {name}, p95", "value": round(cuts[18], 1), "unit": "ms", "reference": ""},
    ]


def _in_process() -> list[float]:
    """Milliseconds of each command: from the gateway's event to its answer."""
    world = World(NOON)
    person = world.user("asha")
    linked(world, person, ACCOUNT)
    made = person.post("/baskets", {"name": "Bench", "strategies": [STRADDLE | {"accounts": [ACCOUNT]}]}).body
    person.post(f"/baskets/{made['basket_id']}/enable")
    path, times = f"/strategies/{made['strategies'][0]}/run", list[float]()
    world.project = lambda: None  # type: ignore[method-assign]  # the read-models follow by themselves, later
    for _ in range(WARM_UP + IN_PROCESS):
        began = time.perf_counter()
        answer = person.post(path)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status == 202, answer.text
    return times[WARM_UP:]


def _over_http(platform: Platform) -> tuple[list[float], list[float]]:
    """Milliseconds until the API has answered, and until the exchange has accepted the order."""
    person = Person.arrives(platform, "bench@example.com", PASSWORD, admin=True)
    person.links(ACCOUNT)
    person.logs_in(ACCOUNT)
    call = {"side": "BUY", "right": "CE", "lots": 1, "strike": "ATM"}
    document = STRADDLE | {"legs": [call], "accounts": [ACCOUNT], "weekdays": ["SAT"], "dte": None}
    basket = person.api.send("POST", "/baskets", {"name": "Bench", "strategies": [document]})
    person.api.send("POST", f"/baskets/{basket['basket_id']}/enable")
    platform.conductor.settle()
    (strategy,) = person.api.get("/strategies")
    exchange, path = Exchange(platform.site.simulator_url), f"/strategies/{strategy['strategy_id']}/run"
    answered, accepted = list[float](), list[float]()
    for number in range(WARM_UP + OVER_HTTP):
        sent, began = platform.clock.now(), time.perf_counter()
        person.api.send("POST", path)
        answered.append((time.perf_counter() - began) * 1000)
        deadline = began + 60
        while len(orders := exchange.ledger().orders) <= number:
            assert time.perf_counter() < deadline, "no order came"
            time.sleep(0.03)
        accepted.append((orders[-1].at - sent) / timedelta(milliseconds=1))
        time.sleep(1.0)  # the account's quotes: one call a second
    return answered[WARM_UP:], accepted[WARM_UP:]
