"""Child dossiers over a real broker: workflow hears what it says itself."""

import threading
from datetime import timedelta

from chassis import publish, store
from chassis.clock import system_clock
from chassis.consume import Consumer
from chassis.relay import Relay
from tests.support import catalogue
from tests.support.servers import Broker
from tests.support.services import Clock, Running
from tests.support.waiting import until
from tests.workflow.nesting import OUTER, begin, inner, outer
from workflow import consumer
from workflow.store import WorkflowStore


def test_a_child_begins_and_its_end_returns(workflow: Running, clock: Clock, amqp: Broker) -> None:
    """A web process leaves its events to the relay; a worker carries what its consumer wrote."""
    workflow.hear([catalogue.published(outer()), catalogue.published(inner())])
    database = workflow.database
    carrier = store.Carrier(system_clock, grace=timedelta(seconds=10))
    table = consumer.table(WorkflowStore(database, carrier), clock)
    worker = Consumer(amqp.url, "workflow", table, publish.Publisher(amqp.url, ()), database, carrier, system_clock)
    relay = Relay(
        database, [database["dossiers"]], publish.Publisher(amqp.url, ()), store.Lease(database, "relay", "here"),
        system_clock, poll_seconds=0.1,
    )  # fmt: skip
    stop = threading.Event()
    threads = [threading.Thread(target=run, args=(stop,)) for run in (worker.run, relay.run)]
    threads[0].start()
    try:
        until(lambda: worker.connected)
        threads[1].start()
        begin(workflow, OUTER)

        def complete(task: str, outcome: str = "completed") -> None:
            answer = workflow.post(f"tasks/{task}/completion", "backdate", {"outcome": outcome})
            assert answer.status_code == 200, answer.text

        complete("d1.in")
        until(lambda: database["dossiers"].find_one({"_id": "d1~sub"}))
        complete("d1~sub.look")
        complete("d1~sub.say", "approved")
        until(
            lambda: database["dossiers"].find_one(
                {"_id": "d1", "tasks": {"$elemMatch": {"step": "sign", "state": "open"}}}
            )
        )
    finally:
        stop.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join(120)
    assert database["dossiers"].count_documents({}) == 2
