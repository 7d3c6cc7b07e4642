"""`python -m workflows`: write every machine's definition into `workflows/definitions/`."""

from __future__ import annotations

import sys

from workflows.asl.render import render
from workflows.catalogue import DEFINITIONS, MACHINES, file_name


def main() -> None:
    DEFINITIONS.mkdir(exist_ok=True)
    for machine in MACHINES:
        path = DEFINITIONS / f"{file_name(machine)}.asl.json"
        path.write_text(render(machine), encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
