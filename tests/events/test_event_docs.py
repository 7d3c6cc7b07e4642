"""The page about events says what the code says."""

from __future__ import annotations

from tasks.domain.events import CATALOGUE
from tasks.event_docs import PATH, document


def test_generating_it_again_changes_nothing() -> None:
    assert PATH.read_text(encoding="utf-8") == document(), "run `python -m tasks.event_docs` and commit it"


def test_every_event_is_in_it_once() -> None:
    text = document()
    for name in CATALOGUE:
        assert text.count(f"| `{name}` |") == 1, name
