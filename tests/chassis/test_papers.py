"""Papers that wait to be printed: each once, by whichever worker. One that cannot be printed says so, and holds up no
other."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from chassis import papers, store
from chassis.papers import KEPT, LEASE, REST, TRIES, PaperFailed, PaperMaker, Papers
from chassis.printed import Printed
from chassis.printing import Printer
from tests.chassis.toy import Hands


class Press(Printer):
    """Prints what the paper says, as plain as that, or nothing."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"), {})
        self.printed: list[tuple[str, Any]] = []
        self.is_broken = False

    def pdf(self, kind: str, content: dict[str, Any]) -> bytes:
        self.printed.append((kind, content["name"]))
        if self.is_broken:
            raise ValueError(content["name"])
        return f"%PDF {content['name']}".encode()


@pytest.fixture
def press() -> Press:
    return Press()


@pytest.fixture
def kept(database: Database[store.Document]) -> Papers:
    kept = Papers(database)
    kept.ensure_indexes()
    return kept


@pytest.fixture
def maker(kept: Papers, clock: Hands, press: Press) -> PaperMaker:
    return PaperMaker(kept, clock, press)


def paper(name: str = "Nguyễn Thị Hoa", kind: str = "receipt") -> Printed[Any]:
    return Printed(kind, {"name": name})


def test_a_paper_is_printed_once_and_what_it_said_is_not_kept_beside_it(
    kept: Papers, clock: Hands, maker: PaperMaker, press: Press
) -> None:
    assert [kept.ask(paper(), clock()) for _ in range(3)] == [None] * 3
    assert maker.once()
    assert not maker.once()
    assert kept.ask(paper(), clock()) == "%PDF Nguyễn Thị Hoa".encode()
    assert press.printed == [("receipt", "Nguyễn Thị Hoa")]
    row = kept.collection.find_one()
    assert row is not None
    assert "content" not in row
    assert row["expires_at"] == clock() + KEPT


def test_what_says_something_else_is_another_paper(kept: Papers, clock: Hands, maker: PaperMaker) -> None:
    for each in (paper(), paper("Trần Văn Bình"), paper(kind="register")):
        assert kept.ask(each, clock()) is None
    assert [maker.once() for _ in range(4)] == [True, True, True, False]
    assert kept.ask(paper("Trần Văn Bình"), clock()) == "%PDF Trần Văn Bình".encode()


def test_the_one_that_waits_longest_comes_first(kept: Papers, clock: Hands, maker: PaperMaker, press: Press) -> None:
    for name in ("a", "b", "c"):
        kept.ask(paper(name), clock())
        clock.move(seconds=1)
    while maker.once():
        pass
    assert [name for _, name in press.printed] == ["a", "b", "c"]


def test_a_maker_that_died_leaves_its_paper_to_another(
    kept: Papers, clock: Hands, maker: PaperMaker, press: Press
) -> None:
    kept.ask(paper(), clock())
    assert kept.take(clock(), clock() + LEASE) is not None
    assert not maker.once(), "somebody has it"
    clock.move(seconds=LEASE.total_seconds())
    assert maker.once()
    assert len(press.printed) == 1


def test_one_that_cannot_be_printed_fails_after_some_tries_and_is_tried_again_a_while_later(
    kept: Papers, clock: Hands, maker: PaperMaker, press: Press
) -> None:
    press.is_broken = True
    kept.ask(paper(), clock())
    assert [maker.once() for _ in range(TRIES + 1)] == [True] * TRIES + [False]
    clock.move(seconds=REST.total_seconds() - 1)
    with pytest.raises(PaperFailed) as caught:
        kept.ask(paper(), clock())
    assert (caught.value.code, caught.value.retry_after) == ("paper_failed", 600)
    assert not maker.once(), "to ask does not help yet"
    clock.move(seconds=1)
    press.is_broken = False
    assert kept.ask(paper(), clock()) is None
    assert maker.once()
    assert kept.ask(paper(), clock()) is not None


def test_one_that_stumbles_once_is_tried_again_at_once(
    kept: Papers, clock: Hands, maker: PaperMaker, press: Press
) -> None:
    kept.ask(paper(), clock())
    press.is_broken = True
    assert maker.once()
    press.is_broken = False
    assert maker.once()
    assert kept.ask(paper(), clock()) is not None


def test_what_nobody_fetches_goes(kept: Papers) -> None:
    indexes = kept.collection.index_information()
    assert indexes["expires"]["expireAfterSeconds"] == 0
    assert timedelta(days=1) < papers.KEPT <= timedelta(days=31)
