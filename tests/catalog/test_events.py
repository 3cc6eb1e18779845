"""What catalog publishes: one sample of each event for its consumers' tests, and all of it again on demand.

`UPDATE_SAMPLES=1` writes the samples anew.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pika
import pytest
from pymongo.database import Database

from catalog import domain, events
from catalog.domain import Alias, Correction, Exemption
from catalog.essentials.domain import EssentialService
from catalog.main import CATALOG, assemble
from catalog.settings import CatalogSettings
from catalog.store import CatalogStore
from catalog.successions import Succession
from catalog.targets.domain import Targets
from catalog.targets.store import told_of
from catalog.usecases import UseCases
from chassis import envelope, store
from chassis.service import Context
from tests.catalog.callers import NOW, call
from tests.catalog.making import agency, calendar, procedure
from tests.support.servers import Broker

SAMPLES = Path(__file__).parent.parent / "contracts" / "samples"


def samples() -> dict[str, dict[str, Any]]:
    """Type → an event of it, with everything in it that may be there."""
    poor = Exemption(code="HN", name="Hộ nghèo", legal_basis="Nghị quyết 12/2024/NQ-HĐND")
    fee = replace(procedure().fees[0], online_amount=25_000, exemptions=(poor,), valid_from=date(2024, 1, 1))
    form = {"type": "object", "properties": {"area": {"type": "number", "title": "Diện tích (m²)"}}}
    everything = procedure(agencies=("H56.14",), valid_to=date(2030, 1, 1), fees=(fee,), form=form)
    wrong = domain.publish(None, replace(everything, name="Đăng kí"))
    version = domain.publish(wrong, everything, correction=Correction(of=1, reason="Lỗi chính tả"))
    targets = Targets(
        agency="H56.14", year=2026, decision="QĐ 12/QĐ-UBND", indicators={"online_share": 80.0},
        demands={"demand_level_3": 1200},
    )  # fmt: skip
    essential = EssentialService(
        list="qd422", id="01", name="Đăng ký khai sinh, đăng ký thường trú, cấp thẻ bảo hiểm y tế", sector="Tư pháp",
        state="waiting", extent=None, procedures=("1.012784",), served_by=None, waiting_for="Bộ Công an",
        decision="Quyết định 422/QĐ-TTg", since=None,
    )  # fmt: skip
    made: list[tuple[str, int, envelope.EventData]] = [
        (version.code, 2, events.of_version(version)),
        (version.code, 3, events.of_version(domain.withdraw(version, date(2026, 1, 1), "Quyết định 12/QĐ-UBND"))),
        ("H56.14", 3, events.AgencyChanged(agency=agency(parent="H56", aliases=(Alias(id="000.17.H56"),)))),
        (
            "0198f3a1-6c00-8000-9000-00000000c001",
            1,
            events.of_succession(
                Succession(
                    predecessors=("H56.30", "H56.30.90"),
                    successors=("H56.50.01", "H56.50.02"),
                    takes_over="H56.50.01",
                    on=date(2025, 7, 1),
                    decision="Nghị quyết 1686/NQ-UBTVQH15",
                )
            ),
        ),
        ("2026", 1, events.of_calendar(calendar())),
        ("H56.14/2026", 1, told_of(targets)),
        ("qd422/01", 1, events.EssentialChanged(service=essential)),
    ]
    return {
        data.TYPE: json.loads(envelope.outgoing(data, subject=subject, sequence=sequence, time=NOW).body)
        for subject, sequence, data in made
    }


def test_there_is_a_sample_of_each_event() -> None:
    assert samples().keys() == {kind.TYPE for kind in events.PUBLISHED}


@pytest.mark.parametrize("event_type", sorted(samples()))
def test_the_samples_are_what_is_published(event_type: str) -> None:
    path = SAMPLES / f"{event_type}.json"
    text = json.dumps(samples()[event_type], ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("UPDATE_SAMPLES"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


# -- all of it again


class Listener:
    """A queue that takes everything that catalog publishes, under the name that makes it the subscriber `catalog`."""

    def __init__(self, broker: Broker) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(broker.url))
        self._channel = self._connection.channel()
        self._channel.queue_declare("catalog.parked", durable=True, arguments={"x-queue-type": "quorum"})

    def bind(self, key: str) -> None:
        self._channel.queue_bind("catalog.parked", "motcua.events", key)

    def taken(self) -> dict[str, Any]:
        """Id → body of what has arrived since the last time; all of it is there when its publisher has its confirms."""
        found: dict[str, Any] = {}
        while True:
            method, properties, body = self._channel.basic_get("catalog.parked", auto_ack=True)
            if method is None:
                return found
            found[properties.message_id] = json.loads(body)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def run(
    database: Database[store.Document], make_settings: Callable[[str], CatalogSettings], amqp: Broker
) -> Callable[..., int]:
    context = Context(make_settings(amqp.url), database, store.Carrier(lambda: NOW), lambda: NOW)
    return lambda *arguments: CATALOG.commands["republish"][1](context, assemble(context), list(arguments))


@pytest.fixture
def outbox(catalog_store: CatalogStore) -> dict[str, Any]:
    """A small catalogue's events as they were first told, id → body; of the agency, which changed, only the last."""
    use = UseCases(catalog_store)
    use.publish(call("a"), procedure())
    use.publish(call("b"), procedure(valid_from=date(2024, 1, 1), name="Tên mới"))
    use.withdraw(call("c"), procedure().code, date(2024, 5, 1), "QĐ 12")
    for key, name in (("d", "Cũ"), ("e", "Mới")):
        use.put_agency(call(key), agency(name=name))
    use.put_calendar(call("f"), replace(calendar(), decision="Thông báo 13"), dry_run=False)
    told = {
        entry["id"]: json.loads(entry["body"])
        for collection in catalog_store.outboxes
        for document in collection.find({})
        for entry in document["outbox"]
    }
    told.pop("catalog.agency:H56.14:1")
    return told


def test_republishing_tells_everything_as_it_was_told_first(
    run: Callable[..., int], amqp: Broker, outbox: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    listener = Listener(amqp)
    listener.bind("catalog.#")
    assert run() == 0
    assert listener.taken() == outbox
    assert len(outbox) == 5
    assert capsys.readouterr().out.splitlines() == [
        "1 agencies published again",
        "1 calendars published again",
        "3 procedures published again",
        "0 successions published again",
        "0 targets published again",
        "0 essentials published again",
    ]
    assert run("--only", "calendars") == 0
    assert list(listener.taken()) == ["catalog.calendar:2026:1"]
    listener.close()


def test_republishing_goes_on_past_one_batch(
    run: Callable[..., int], amqp: Broker, catalog_store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.commands.BATCH", 3)
    use = UseCases(catalog_store)
    for n in range(7):
        use.put_calendar(call(f"k{n}"), calendar(2020 + n), dry_run=False)
    listener = Listener(amqp)
    listener.bind("catalog.#")
    assert run() == 0
    assert sorted(listener.taken()) == [f"catalog.calendar:{2020 + n}:1" for n in range(7)]
    listener.close()


def test_republishing_says_when_nobody_listens(
    run: Callable[..., int], amqp: Broker, outbox: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 1
    assert "the worker of catalog has never run" in capsys.readouterr().err
    listener = Listener(amqp)
    listener.bind("catalog.agency.*")
    assert run() == 1
    assert list(listener.taken()) == ["catalog.agency:H56.14:2"]
    assert "4 events were taken by no queue" in capsys.readouterr().err
    listener.close()
