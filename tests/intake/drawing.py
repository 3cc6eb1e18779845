"""What each of several processes does that file at the counter at the same time."""

from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from chassis import store
from chassis.auth import Principal
from chassis.clock import system_clock
from chassis.web import Answer, Call
from intake.store import IntakeStore
from intake.usecases.dossiers import DossierUseCases
from tests.intake.making import filing
from tests.support.catalogue import HERE


def draw(url: str, name: str, count: int, ready: "Barrier", codes: "Queue[list[str]]") -> None:
    """Files so many dossiers when all are ready, and puts their codes into the queue."""
    use = DossierUseCases(IntakeStore(store.connect(url), store.Carrier(system_clock)))
    officer = Principal(name, name, frozenset({"dossiers.receive"}), HERE, frozenset(), "person")
    mine = []
    ready.wait(240)
    for n in range(count):
        now = system_clock()
        call = Call(officer, now, now, key=f"key-{n}", if_match=None, trace=None, body_hash=str(n))
        answer = use.file(
            call, filing(channel="counter"), lambda dossier, version: Answer(dossier.code or "", 201, version)
        )
        mine.append(str(answer.body))
    codes.put(mine)
