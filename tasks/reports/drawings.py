"""The report's pictures as inline SVG: the day's curve, a bar of profit, an order's way to its fill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from tasks.domain.day_pnl import Point
from tasks.domain.money import rupees
from tasks.reports.day import Line
from tasks.reports.html import Html, join, tag

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 8, 8, 24, 40
"""Room around the curve, in the picture's own units."""

CLOSE = 90
"""Labels that are nearer cover each other."""


def curve(points: Sequence[Point]) -> Html:
    """Gross profit over the day. For who can't see it, its description says where it turned and ended."""
    low, high = min(points, key=lambda p: p.gross), max(points, key=lambda p: p.gross)
    scale = _Scale(points)
    path = " ".join(f"{'L' if n else 'M'}{scale.x(p.at)} {scale.y(p.gross)}" for n, p in enumerate(points))
    zero = scale.y(Decimal(0))
    area = f"{path} L{scale.x(points[-1].at)} {zero} L{scale.x(points[0].at)} {zero} Z"
    sign = "up" if points[-1].gross >= 0 else "down"
    said = (
        f"Gross profit from {points[0].at:%H:%M} to {points[-1].at:%H:%M}: highest {rupees(high.gross)} at "
        f"{high.at:%H:%M}, lowest {rupees(low.gross)} at {low.at:%H:%M}, at the end {rupees(points[-1].gross)}."
    )
    return tag(
        "svg",
        tag("title", "The day's profit before charges"),
        tag("desc", said),
        tag("path", d=area, class_=f"area {sign}"),
        tag("line", x1=str(LEFT), x2=str(WIDTH - RIGHT), y1=zero, y2=zero, class_="zero"),
        tag("path", d=path, class_=f"curve {sign}"),
        *_hours(scale, points),
        *_named(scale, high, low, points[-1]),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_=f"day {sign}",
        aria_label=said,
    )


class _Scale:
    def __init__(self, points: Sequence[Point]) -> None:
        self.begin, self.end = points[0].at, points[-1].at
        self.low = min(Decimal(0), *(p.gross for p in points))
        self.high = max(Decimal(0), *(p.gross for p in points))

    def x(self, at: datetime) -> str:
        span = (self.end - self.begin).total_seconds() or 1
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * (at - self.begin).total_seconds() / span:.1f}"

    def y(self, gross: Decimal) -> str:
        span = (self.high - self.low) or Decimal(1)
        return f"{TOP + (HEIGHT - TOP - BOTTOM) * float((self.high - gross) / span):.1f}"


def _named(scale: _Scale, high: Point, low: Point, last: Point) -> list[Html]:
    """The three points people look for. Where the last would cover another, that one is enough."""
    shown = [_dot(scale, high, below=False)]
    if low != high:
        shown.append(_dot(scale, low, below=True))
    if all(abs(float(scale.x(last.at)) - float(scale.x(other.at))) > CLOSE for other in (high, low)):
        shown.append(_dot(scale, last, below=False))
    return shown


def _dot(scale: _Scale, point: Point, *, below: bool) -> Html:
    x, y = float(scale.x(point.at)), float(scale.y(point.gross))
    anchor = "start" if x < WIDTH * 0.15 else "end" if x > WIDTH * 0.85 else "middle"
    label = tag(
        "text",
        rupees(point.gross),
        x=f"{x:.1f}",
        y=f"{y + (20 if below else -10):.1f}",
        class_="scale",
        text_anchor=anchor,
    )
    dot = tag("circle", tag("title", f"{point.at:%H:%M}"), cx=f"{x:.1f}", cy=f"{y:.1f}", r="4", class_="dot")
    return join(dot, label)


def _hours(scale: _Scale, points: Sequence[Point]) -> list[Html]:
    """Whole hours below the curve."""
    hour = points[0].at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    found = []
    while hour <= points[-1].at:
        x = scale.x(hour)
        found.append(tag("line", x1=x, x2=x, y1=str(TOP), y2=str(HEIGHT - BOTTOM), class_="hour"))
        found.append(tag("text", f"{hour:%H:%M}", x=x, y=str(HEIGHT - 8), class_="tick", text_anchor="middle"))
        hour += timedelta(hours=1)
    return found


def bar(amount: Decimal, most: Decimal) -> Html:
    """A bar from the middle: profit to the right, loss to the left. `most` is the longest, both ways."""
    length = float(abs(amount) / most) * 50 if most else 0.0
    start = 50.0 if amount >= 0 else 50 - length
    return tag(
        "svg",
        tag("rect", x="0", y="0", width="100", height="10", class_="rail"),
        tag(
            "rect", x=f"{start:.2f}", y="0", width=f"{length:.2f}", height="10",
            class_="up" if amount >= 0 else "down",
        ),
        tag("line", x1="50", x2="50", y1="-2", y2="12", class_="zero"),
        viewBox="0 -2 100 14",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
    )  # fmt: skip


def way(line: Line) -> Html:
    """An order's steps on one line: when it was decided, and how long each step after that took."""
    steps = [("sent", line.sent), ("accepted", line.accepted), ("filled", line.filled)]
    parts = [
        tag("li", tag("span", "signal", class_="step"), _clock(line.signal, f"{line.signal:%H:%M:%S.%f}"[:-3]))
    ]
    before = line.signal
    for name, at in steps:
        if at is not None:
            word = _clock(at, _took(at - before))
            parts.append(tag("li", tag("span", name, class_="step"), word, class_=f"at-{name}"))
            before = at
    return tag("ol", join(*parts), class_="way")


def _clock(at: datetime, text: str) -> Html:
    return tag("time", text, datetime=at.isoformat(), title=f"{at:%H:%M:%S.%f}"[:-3])


def _took(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 1:
        return f"+{max(seconds, 0) * 1000:.0f} ms"
    return f"+{seconds:.1f} s" if seconds < 60 else f"+{int(seconds // 60)} min {int(seconds % 60)} s"
