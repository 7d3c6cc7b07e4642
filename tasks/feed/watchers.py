"""What the feed, and PollQuotes in its place, watch: one line for each kind of level."""

from __future__ import annotations

from tasks.feed.watching import Watcher


def watchers() -> tuple[Watcher, ...]:
    """Fresh ones, which know nothing yet."""
    return ()
