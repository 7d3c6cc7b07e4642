"""Loading 100,000 instruments: from the CSV's bytes to chains that strikes are resolved on.

Each measurement is a process of its own, so that the peak of memory is this work's and nothing else's.
"""

from __future__ import annotations

import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from brokers.model import Exchange
from brokers.zerodha.instruments import parse_instruments
from tasks.domain.chain import chains_of

ROWS = 100_000
REPEATS = 5
REFERENCE_TIME = "OpenAlgo: 3.6 s to its database and 2.7 s more to its cache"
REFERENCE_MEMORY = "OpenAlgo: 480 to 490 MB"

_HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
    "instrument_type,segment,exchange\n"
)
_STRIKES = 80
_EXPIRIES = 4
_FIRST_EXPIRY = date(2026, 11, 23)


def run() -> list[dict[str, object]]:
    """Time and peak memory, each the median of a few processes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instruments.csv"
        path.write_text("".join(synthetic_master(ROWS)))
        runs = [_in_a_process_of_its_own(path) for _ in range(REPEATS)]
    return [
        {
            "name": f"instruments: {ROWS:,} rows of CSV to chains",
            "value": round(statistics.median(one["seconds"] for one in runs), 3),
            "unit": "s",
            "reference": REFERENCE_TIME,
        },
        {
            "name": f"instruments: four underlyings out of {ROWS:,} rows to chains",
            "value": round(statistics.median(one["filtered_seconds"] for one in runs), 3),
            "unit": "s",
            "reference": "",
        },
        {
            "name": f"instruments: {ROWS:,} rows, peak memory of the process",
            "value": round(statistics.median(one["peak_mb"] for one in runs)),
            "unit": "MB",
            "reference": REFERENCE_MEMORY,
        },
    ]


def synthetic_master(rows: int) -> Iterator[str]:
    """A master in Kite's form with `rows` contracts, line by line, the header first."""
    yield _HEADER
    yield from islice(_contracts(), rows)


def _contracts() -> Iterator[str]:
    token = 35_000
    for number in range(sys.maxsize):
        name = f"STOCK{number:03}"
        for week in range(_EXPIRIES):
            expiry = _FIRST_EXPIRY + timedelta(weeks=week)
            for strike in range(1000, 1000 + 25 * _STRIKES, 25):
                for right in ("CE", "PE"):
                    token += 1
                    symbol = f"{name}{expiry:%y%b}{strike}{right}".upper()
                    yield (
                        f"{token * 256 + 2},{token},{symbol},{name},0.0,{expiry},{strike}.0,0.05,"
                        f"{25 + number},{right},NFO-OPT,NFO\n"
                    )


def _in_a_process_of_its_own(path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.instruments", str(path)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(result.stdout)
    return measured


def _measure(path: Path) -> dict[str, float]:
    content = path.read_bytes()
    filtered_seconds, few = _load(content, {"STOCK000", "STOCK001", "STOCK002", "STOCK003"})
    seconds, every = _load(content, None)
    assert (few, every) == (4 * _EXPIRIES * _STRIKES * 2, ROWS)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "filtered_seconds": filtered_seconds, "peak_mb": peak_mb}


def _load(content: bytes, underlyings: set[str] | None) -> tuple[float, int]:
    """Seconds and contracts."""
    began = time.perf_counter()
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8")
    chains = chains_of(parse_instruments(lines, Exchange.NFO, underlyings))
    seconds = time.perf_counter() - began
    return seconds, sum(len(chain.contracts) for chain in chains.values())


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]))))
