"""One mutant in a process that imports everything anew: for what runs at import."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType

from tests.mutation.mutants import Mutant, code_of, path_of

KILLED, SURVIVED = 1, 0


class _Loader(importlib.abc.InspectLoader):
    def __init__(self, code: CodeType) -> None:
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code

    def get_source(self, fullname: str) -> str:
        return path_of(fullname).read_text()

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)  # noqa: S102  (that is what a loader does)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant, code: CodeType) -> None:
        self._module = mutant.module
        self._code = code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, _Loader(self._code), origin=str(path_of(fullname)))
        spec.has_location = True
        return spec


def try_fresh(mutant: Mutant, nodes: list[str], seconds: int) -> None:
    """Run the tests with the mutant in place of its module; the process's exit code tells."""
    limit(seconds)
    sys.meta_path.insert(0, _Finder(mutant, code_of(mutant)))
    import pytest

    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *nodes])
    os._exit(SURVIVED if code == 0 else KILLED)


def limit(seconds: int) -> None:
    """Quiet, and over after so many seconds of CPU, whatever a mutant does."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    logging.disable(logging.CRITICAL)
    signal.alarm(seconds * 20)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
