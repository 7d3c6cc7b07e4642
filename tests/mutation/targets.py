"""What is mutated, and the tests that are to notice."""

from __future__ import annotations

from tests.mutation.mutants import ROOT

ORDER_PATH = (
    "apply_updates",
    "assess_entry",
    "begin_exit",
    "cancel_entries",
    "chase_order",
    "check_barrier",
    "compute_exit",
    "find_due_exits",
    "find_open_accounts",
    "open_run",
    "place_order",
    "plan_account",
    "reconcile_account",
    "settle_entries",
    "settle_order",
    "total_fills",
    "watch_order",
)
TESTS = (
    "tests/domain",
    "tests/events",
    "tests/tasks",
    "tests/machines",
    "tests/faults/test_found.py",
    "tests/faults/test_days.py",
)
WITHOUT = "not dynamodb and not guard"


def modules() -> list[str]:
    """The domain, the rules of the order path, and its tasks."""
    rooms = [
        f"tasks.{room}.{path.stem}"
        for room in ("domain", "orderpath")
        for path in sorted((ROOT / "tasks" / room).glob("*.py"))
        if path.stem != "__init__"
    ]
    return [*rooms, *(f"tasks.{name}" for name in ORDER_PATH)]
