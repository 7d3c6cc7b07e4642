"""Where each point of the matrix lies, as crossings."""

from __future__ import annotations

from tests.faults.crossings import Where

_BEFORE = ("before",)
_ORDER_STEPS = ("WatchOrder", "ChaseOrder", "SettleOrder", "ApplyUpdates")

AT: dict[str, tuple[Where, ...]] = {
    "P1": (Where(("Schedule", "OpenRun"), side="N"),),
    "P2": (Where(("ClaimRun",)),),
    "P3": (
        Where(
            ("CheckWeekday", "CheckDTE", "FetchChain", "ResolveStrikes", "StartEntry", "PlanAccount"), side="N"
        ),
    ),
    "P4": (Where(("ClaimOrder",), side="N"),),
    "P5": (
        Where(("PlaceOrder",), ("", "orders.get", "orders.begin_send", "broker.place"), ("before",), "N"),
        Where(("PlaceOrder",), ("orders.begin_send",), ("after",), "N"),
    ),
    "P6": (Where(("PlaceOrder",), ("broker.place",), ("after",), "N"),),
    "P7": (
        Where(("PlaceOrder",), ("orders.advance",), side="N"),
        Where(("PlaceOrder",), ("",), ("after",), "N"),
    ),
    "P8": (Where(_ORDER_STEPS, side="N"),),
    "P9": (Where(("TotalFills", "RecordPosition", "CheckBarrier", "AssessEntry"), side="N"),),
    "P10": (
        Where(
            (
                "Schedule",
                "OpenRun",
                "RecordClaim",
                "FindOpenAccounts",
                "StartExit",
                "BeginExit",
                "CancelEntries",
                "SettleEntries",
                "ComputeExit",
            ),
            side="X",
        ),
    ),
    "P11": (Where(("ClaimOrder", "PlaceOrder", "CheckBarrier", *_ORDER_STEPS), side="X"),),
    "P12": (
        Where(("TotalFills", "RecordPosition", "ApplyUpdates"), side="X"),
        Where(("ComputeExit",), ("runs.set_phase",), side="X"),
    ),
}

STORES = ("orders.*", "runs.*", "positions.*", "callbacks.*", "catalog.*", "market.*", "pace.*")
OWN_CALLS = ("ClaimRun", "RecordClaim", "ClaimOrder", "RecordPosition", "StartEntry", "StartExit")


def at_the_broker(point: str, *operations: str) -> tuple[Where, ...]:
    """The point's crossings before a call of the broker."""
    names = tuple(f"broker.{name}" for name in operations) or ("broker.*",)
    return tuple(Where(w.steps, names, ("before",), w.side) for w in AT[point])
