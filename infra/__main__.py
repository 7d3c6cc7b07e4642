"""Synthesize the stacks.

    python -m infra                          as the `cdk` command line does (cdk.json); context from its `-c`
    python -m infra --local --output DIR     for the emulator: no layers, no state machines, no schedules

With `--local` nothing is done when the assembly in DIR is already what the sources say.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.code import files_below, fingerprint, sources
from infra.settings import LOCAL_ACCOUNT, ROOT, Settings

LOCAL_OUTPUT = ROOT / ".local" / "cdk.out"

SILENCED_NODE_VERSIONS = "18,20"
"""Both work with this version of the CDK; its banner about their age is for its makers' planning."""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = SILENCED_NODE_VERSIONS
    if not options.local:
        _synthesize_for_aws(options.output)
        return 0
    output = options.output or LOCAL_OUTPUT
    settings = Settings(local=True, account=LOCAL_ACCOUNT, kite_root=options.kite_root)
    made = synthesize_locally(output, settings)
    print(f"{output}: {'synthesized' if made else 'up to date'}")
    return 0


def synthesize_locally(output: Path, settings: Settings) -> bool:
    """Write the emulator's assembly to `output` unless it is there already. True if written.

    The digest of everything that goes in lies beside it, because a synthesis costs seconds and a look costs
    milliseconds.
    """
    mark = output / "fingerprint"
    wanted = f"{fingerprint(_inputs())} {settings!r}"
    if mark.is_file() and mark.read_text() == wanted:
        return False
    shutil.rmtree(output, ignore_errors=True)
    from infra.app import new_app, synthesize  # noqa: PLC0415  (importing the CDK takes two seconds)

    synthesize(new_app(output, local=True), settings)
    mark.write_text(wanted)
    return True


def _synthesize_for_aws(output: Path | None) -> None:
    from infra.app import new_app, settings_from_context, synthesize  # noqa: PLC0415  (see above)

    app = new_app(output)
    synthesize(app, settings_from_context(app))


def _inputs() -> Iterator[Path]:
    yield from files_below(ROOT / "infra")
    yield from sources()
    yield ROOT / "requirements.txt"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description="Synthesize the stacks.")
    parser.add_argument("--local", action="store_true", help="for the emulator")
    parser.add_argument("--output", type=Path, help="folder of the cloud assembly")
    parser.add_argument("--kite-root", default="", help="with --local: the exchange simulator's address")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
