"""What the browser is told of an execution: slim steps for all of it, everything for the one that is chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from localstack.console.facts import from_input, from_name
from localstack.console.follow import Followed
from localstack.console.steps import Attempt, Event, Frame, Status, Step, details
from localstack.console.words import account_in, advice, plain_cause
from tasks.masking import masked, masked_text

PAGE = 100
LONGEST_TEXT = 400_000
"""Characters of one value that are sent; AWS's limit is 256 KiB, so this cuts what no engine should give."""

Json = dict[str, Any]


def step_view(step: Step) -> Json:
    """A step without its data: what graph, table and timeline need."""
    last = step.attempts[-1] if step.attempts else None
    return {
        "id": step.id,
        "state": step.state,
        "kind": step.kind,
        "frame": step.frame,
        "status": step.status,
        "entered": _at(step.entered),
        "left": _at(step.left),
        "attempts": len(step.attempts),
        "retries": _retries(step),
        "redriven": last.redrive if last is not None and last.redrive > step.attempts[0].redrive else 0,
        "waiting": bool(last and last.submitted and step.left is None),
        "error": step.error,
        "children": step.children,
        "length": step.length,
        "marks": [[_at(each.scheduled), _at(each.ended), each.failed] for each in step.attempts[:20]],
    }


def _retries(step: Step) -> int:
    """Attempts beyond the first, without those that a redrive began."""
    return max(0, len(step.attempts) - len({each.redrive for each in step.attempts}))


def frame_view(frame: Frame) -> Json:
    return {
        "id": frame.id,
        "step": frame.step,
        "index": frame.index,
        "status": frame.status,
        "label": masked_text(frame.label),
    }


def execution_view(followed: Followed, now: datetime) -> Json:
    """The execution itself: how it stands, and what may be done to it."""
    story, described = followed.story, followed.described
    status = story.status if story.last else described.get("status", "RUNNING")
    error, cause = story.error or described.get("error", ""), story.cause or described.get("cause", "")
    return {
        "arn": followed.arn,
        "name": followed.arn.rsplit(":", 1)[-1],
        "machine": described.get("stateMachineArn", ""),
        "status": status,
        "start": _at(described.get("startDate")),
        "stop": None if status == Status.RUNNING else _at(described.get("stopDate")),
        "redrives": story.redrives,
        "redriveStatus": described.get("redriveStatus", ""),
        "redriveReason": described.get("redriveStatusReason", ""),
        "input": pretty(described.get("input")),
        "output": pretty(described.get("output")) if status != Status.RUNNING else None,
        "failure": failure_view(error, cause, status, facts_of(followed)["account"]),
        "facts": facts_of(followed),
        "events": story.last,
        "trouble": followed.trouble,
        "now": _at(now),
    }


def facts_of(followed: Followed) -> Json:
    name = followed.arn.rsplit(":", 1)[-1]
    told = from_input(followed.described.get("input"))
    named = from_name(name)
    return asdict(told if told.strategy or named is None else named)


def failure_view(error: str, cause: str, status: str, account: str = "") -> Json | None:
    """An error in plain words."""
    if status not in (Status.FAILED, Status.TIMED_OUT, Status.ABORTED, Status.CAUGHT) and not error:
        return None
    told = advice(error, status)
    return {
        "error": error,
        "cause": plain_cause(cause),
        "detail": pretty(cause) if cause.lstrip().startswith("{") else "",
        "account": account_in(cause) or account,
        **asdict(told),
    }


def detail_view(followed: Followed, step: Step) -> Json:
    """Everything about one step, with its data."""
    entered = _event(followed, step.id)
    left = _event(followed, step.exit_event) if step.exit_event else None
    account = facts_of(followed)["account"]
    return {
        **step_view(step),
        "input": pretty(details(entered).get("input")) if entered else None,
        "output": pretty(details(left).get("output")) if left else None,
        "failure": failure_view(step.error, step.cause, step.status, account) if step.error else None,
        "tries": [_attempt_view(each) for each in step.attempts],
        "calls": list(_calls(followed, step)),
    }


def _attempt_view(attempt: Attempt) -> Json:
    return {
        "scheduled": _at(attempt.scheduled),
        "ended": _at(attempt.ended),
        "redrive": attempt.redrive,
        "failed": attempt.failed,
        "error": attempt.error,
        "cause": plain_cause(attempt.cause),
    }


def _calls(followed: Followed, step: Step) -> Iterator[Json]:
    """What the step asked of whom, and what it was answered, one entry for each event that says so."""
    for event in followed.events:
        if followed.story.owner.get(event["id"]) != step.id:
            continue
        given = details(event)
        body = given.get("parameters") or (given.get("output") if event["type"] != "TaskStateExited" else None)
        if event["type"].endswith(("Scheduled", "Submitted", "Succeeded")) and (body or given.get("input")):
            name = given.get("resource", "")
            service = given.get("resourceType", "")
            yield {
                "event": event["id"],
                "type": event["type"],
                "resource": f"{service}:{name}" if service else name,
                "data": pretty(body or given.get("input")),
            }


def _event(followed: Followed, number: int) -> Event | None:
    """By its number: histories are complete and in order, so it stands there."""
    if 0 < number <= len(followed.events) and followed.events[number - 1]["id"] == number:
        return followed.events[number - 1]
    return next((event for event in followed.events if event["id"] == number), None)


def events_view(
    followed: Followed, *, kind: str = "", text: str = "", step: int = 0, page: int = 1, newest: bool = False
) -> Json:
    """One page of events. `kind` is a part of the type, `text` a part of the state's name or the details."""
    chosen = [event for event in followed.events if _fits(followed, event, kind, text, step)]
    if newest:
        chosen.reverse()
    pages = max(1, -(-len(chosen) // PAGE))
    page = min(max(1, page), pages)
    shown = chosen[(page - 1) * PAGE : page * PAGE]
    return {
        "events": [_event_view(followed, event) for event in shown],
        "page": page,
        "pages": pages,
        "found": len(chosen),
        "total": len(followed.events),
    }


def _fits(followed: Followed, event: Event, kind: str, text: str, step: int) -> bool:
    if kind and kind.lower() not in event["type"].lower():
        return False
    if step and followed.story.owner.get(event["id"]) != step:
        return False
    if not text:
        return True
    wanted = text.lower()
    owner = followed.story.steps.get(followed.story.owner.get(event["id"], 0))
    if owner is not None and wanted in owner.state.lower():
        return True
    return any(
        wanted in masked_text(value).lower() for value in details(event).values() if isinstance(value, str)
    )


def _event_view(followed: Followed, event: Event) -> Json:
    owner = followed.story.steps.get(followed.story.owner.get(event["id"], 0))
    frame = followed.story.frames.get(owner.frame) if owner is not None else None
    return {
        "id": event["id"],
        "previous": event.get("previousEventId"),
        "type": event["type"],
        "at": _at(event["timestamp"]),
        "step": owner.id if owner else None,
        "state": owner.state if owner else "",
        "iteration": masked_text(frame.label or f"item {frame.index + 1}") if frame and frame.step else "",
        "details": {
            key: _detail(value) for key, value in details(event).items() if not key.endswith("Details")
        },
    }


def _detail(value: Any) -> Any:
    return pretty(value) if isinstance(value, str) else masked(value)


def pretty(text: object) -> str | None:
    """JSON text for people: masked and indented; other text masked."""
    if not isinstance(text, str):
        return None
    safe = masked_text(text)[:LONGEST_TEXT]
    try:
        value = json.loads(safe)
    except (ValueError, RecursionError):
        return safe
    return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else safe


def children_of(steps: Mapping[int, Step]) -> Sequence[str]:
    """Every execution that was started, in order."""
    return [arn for step in steps.values() for arn in step.children]


def _at(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None
