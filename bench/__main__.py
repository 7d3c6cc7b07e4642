"""`python -m bench [NAME…]`: measure, and print each figure beside the one it is to be held against.

Each module of this package that has `run()` gives figures as dicts: name, value, unit, reference.
"""

from __future__ import annotations

import pkgutil
import platform
import sys
from importlib import import_module

import bench


def main(wanted: list[str]) -> int:
    names = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if not m.name.startswith("_"))
    unknown = set(wanted) - set(names)
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {platform.system()}, {platform.machine()}\n")
    for name in wanted or names:
        for figure in import_module(f"bench.{name}").run():
            value = f"{figure['value']} {figure['unit']}"
            print(f"{figure['name']:<66} {value:>22}   {figure['reference']}".rstrip(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
