"""`python -m workflows`: write every machine's definition into `workflows/definitions/`."""

from __future__ import annotations

import sys

from workflows.catalogue import DEFINITIONS, MACHINES, file_name, files


def main() -> None:
    DEFINITIONS.mkdir(exist_ok=True)
    for machine in MACHINES:
        for suffix, text in files(machine).items():
            path = DEFINITIONS / f"{file_name(machine)}.{suffix}"
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
