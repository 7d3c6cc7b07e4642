"""Three days through the real pipeline: the lake's totals are the exchange's, whatever dies and comes twice.

`make month` plays the whole month.
"""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from localstack.platform import EMULATOR_PYTHON
from tests.month.pipeline import running
from tests.month.play import POISON, Look, Played, Size, play

pytestmark = pytest.mark.slow

# A holiday is the third of these days.
SIZE = Size(days=3, users=4, strategies=8, kills=20, first=date(2026, 11, 6))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    with running(tmp_path_factory.mktemp("month"), Random(SIZE.seed)) as pipeline:
        return play(SIZE, pipeline)


def test_things_went_wrong(played: Played) -> None:
    """Otherwise the rest would say little."""
    assert played.shut_on == [date(2026, 11, 10)]
    assert len(played.traded_on) == 3
    assert played.trades > 50
    assert played.lambdas_killed > 3
    assert played.replies_lost > 3
    assert played.writer_killed == SIZE.kills
    assert played.messages > 2 * (played.recorded + played.updates)
    assert not played.open_positions


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_lake_agrees_with_the_exchange_to_the_paisa(played: Played, when: str) -> None:
    look: Look = getattr(played, when)
    assert played.books.traded
    assert look.wrong == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_every_event_and_every_word_of_a_broker_is_there_once(played: Played, when: str) -> None:
    look: Look = getattr(played, when)
    assert (look.events, look.updates) == (played.recorded, played.updates)


def test_copies_lay_in_the_files_and_compaction_took_them_out(played: Played) -> None:
    assert played.before is not None
    assert played.after is not None
    assert played.before.rows > played.before.events
    assert played.after.rows == played.after.events
    assert played.after.files < played.before.files


def test_poison_is_set_aside_with_its_reason(played: Played) -> None:
    assert {body for body, _ in played.poison} == {POISON}
    assert all("Field required" in reason for _, reason in played.poison)


def test_the_exchanges_books_are_not_ours(played: Played) -> None:
    """A comparison that could not fail would be worth nothing: one paisa more, and it does."""
    from tests.month.ledger import PAISA, Books, differences

    moved = Books(dict(played.books.traded), dict(played.books.earned))
    line = next(iter(moved.earned))
    moved.earned[line] += PAISA
    assert len(differences(played.books, moved)) == 1
