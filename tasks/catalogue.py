"""Every Lambda of the platform, by name: the state machines and `infra` are built from this list."""

from __future__ import annotations

from importlib import import_module

from tasks.spec import Function

_MODULES = (
    "open_run",
    "check_weekday",
    "check_dte",
    "fetch_chain",
    "resolve_strikes",
    "find_open_accounts",
    "plan_account",
    "place_order",
    "settle_order",
    "watch_order",
    "chase_order",
    "total_fills",
    "check_barrier",
    "assess_entry",
    "begin_exit",
    "cancel_entries",
    "settle_entries",
    "compute_exit",
    "receive_postback",
    "apply_updates",
    "record_events",
    "project_events",
    "record_failures",
    "mail_logins",
    "sync_schedules",
    "repair_schedules",
    "find_due_exits",
    "poll_quotes",
    "find_signals",
    "find_accounts_of_day",
    "reconcile_account",
    "watch_executions",
    "open_day",
    "check_logins",
    "refresh_instruments",
    "find_leftovers",
    "write_lake",
    "find_small_files",
    "compact_partition",
    "archive_execution",
    "mark_account",
    "end_day",
    "close_account_day",
    "find_report_users",
    "make_report",
    "ask_lake",
    "api.handler",
)


def _function(module: str) -> Function:
    function = import_module(f"tasks.{module}").FUNCTION
    assert isinstance(function, Function)  # noqa: S101  (a mistake of ours, found by every test)
    return function


FUNCTIONS: tuple[Function, ...] = tuple(_function(module) for module in _MODULES)
