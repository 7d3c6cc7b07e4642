"""When the platform's own machines run. The strategies' schedules are made while it runs, in another group."""

from __future__ import annotations

from dataclasses import dataclass

ZONE = "Asia/Kolkata"

PLATFORM = "algo-platform"
"""Schedules that people wait for: a missed one is a missed morning."""

HOUSEKEEPING = "algo-housekeeping"
"""Schedules of which only the last matters: what one missed, the next finds."""

INPUT = '{"scheduled_time":"<aws.scheduler.scheduled-time>"}'
"""EventBridge Scheduler puts in the moment the run was due."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One machine's schedule. `expression` is EventBridge Scheduler's, in India's time."""

    machine: str
    group: str
    expression: str
    why: str


TIMETABLE = (
    Timed("TradingDay", PLATFORM, "cron(0 8 ? * * *)", "Instruments, logins and leftovers, before the market"),
    Timed("EndOfDay", PLATFORM, "cron(35 15 ? * * *)", "The books beside the brokers', and reports"),
    # Every day and into the evening: Saturday sessions and the one at Diwali are market hours too.
    Timed("ExitSweep", HOUSEKEEPING, "cron(* 9-19 ? * * *)", "Exits that are due and did not start"),
    Timed("PollQuotes", HOUSEKEEPING, "cron(* 9-19 ? * * *)", "Stops, while the feed hears nothing"),
    Timed("Reconcile", HOUSEKEEPING, "cron(* 9-19 ? * * *)", "Orders and positions beside the brokers' books"),
    Timed("SignalScan", HOUSEKEEPING, "cron(* 9-19 ? * * *)", "What indicator-based strategies wait for"),
    Timed(
        "WatchExecutions", HOUSEKEEPING, "cron(* 8-19 ? * * *)", "Executions that are stuck, or over too soon"
    ),
    Timed(
        "MarkAccounts", HOUSEKEEPING, "cron(0/5 9-19 ? * * *)", "What positions are worth, for the day's curve"
    ),
    Timed("ReconcileSchedules", HOUSEKEEPING, "cron(0/15 * ? * * *)", "The catalog beside Scheduler"),
    Timed("LakeNight", HOUSEKEEPING, "cron(30 1 ? * * *)", "The lake's small files, when nobody trades"),
)
