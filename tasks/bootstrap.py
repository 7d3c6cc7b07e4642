"""The runtime of a Lambda worker, built once from its environment."""

from __future__ import annotations

from functools import lru_cache

from tasks.runtime import Runtime


@lru_cache(maxsize=1)
def runtime() -> Runtime:
    """What this worker's tasks work with."""
    from tasks.aws import runtime_from_environment  # noqa: PLC0415  (tests run without AWS's client library)

    return runtime_from_environment()
