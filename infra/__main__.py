"""Synthesize the stacks.

python -m infra                          as the `cdk` command line does (cdk.json); context from its `-c`
python -m infra --local --output DIR     for the emulator: no layers, no state machines, no schedules
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from infra.layers import LayersNotBuilt
from infra.settings import BUILT_LAYERS, LOCAL_ACCOUNT, LOCAL_SENDER, Settings

SILENCED_NODE_VERSIONS = "18,20"
"""Both work with this version of the CDK; its banner about their age is for its makers' planning."""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = SILENCED_NODE_VERSIONS
    from infra.app import new_app, settings_from_context, synthesize  # noqa: PLC0415  (after the line above)

    app = new_app(options.output, local=options.local)
    if options.local:
        settings = Settings(local=True, account=LOCAL_ACCOUNT, mail_from=LOCAL_SENDER)
    else:
        settings = settings_from_context(app, options.layers)
    try:
        synthesize(app, settings)
    except LayersNotBuilt as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description="Synthesize the stacks.")
    parser.add_argument("--local", action="store_true", help="for the emulator")
    parser.add_argument("--output", type=Path, help="folder of the cloud assembly")
    parser.add_argument(
        "--layers", type=Path, default=BUILT_LAYERS, help="folder of the built dependency layers"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
