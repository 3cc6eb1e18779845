"""Filing many dossiers with one request: an office's own software, or an office that was offline."""

from collections.abc import Sequence

from chassis.errors import KeyReused, Problem, Unavailable
from chassis.web import Answer, Call
from intake.domain.dossiers import Filing
from intake.store import IntakeStore
from intake.store.batches import KeptBatch
from intake.usecases.dossiers import DossierUseCases, Render


class BatchUseCases:
    """`lines` are what the batch's lines ask for, or what is wrong with them already."""

    def __init__(self, store: IntakeStore, filing: DossierUseCases) -> None:
        self._store = store
        self._filing = filing

    def first_answer(self, call: Call) -> str | None:
        """What a repeated batch was answered before, or None; KeyReused when it was another one."""
        kept = self._store.batches.get(call.id_for_new("batch"))
        if kept is not None and kept.body_hash != call.body_hash:
            raise KeyReused("this Idempotency-Key was sent with another batch")
        return None if kept is None else kept.answer

    def file(self, lines: Sequence[tuple[Call, Filing] | Problem], render: Render) -> list[Answer | Problem]:
        """Files what can be filed, with one write; an outcome for each line, in order."""
        good = [line for line in lines if not isinstance(line, Problem)]
        filed = iter(self._filing.file_many(good, render))
        return [line if isinstance(line, Problem) else next(filed) for line in lines]

    def keep(self, call: Call, answer: str, outcomes: Sequence[Answer | Problem]) -> str:
        """Keeps the answer for a repetition, and gives the one that counts.

        It is a write after that of the dossiers. When the process dies in between, nobody has been answered yet, and
        the lines that were accepted are known by their own keys when the batch comes again. A batch of which a line
        could not be decided now is not kept, so that the line may be when it comes again.
        """
        if any(isinstance(outcome, Unavailable) for outcome in outcomes):
            return answer
        batch = self._store.batches.keep(call.id_for_new("batch"), KeptBatch(call.body_hash, answer), call.now)
        if batch.body_hash != call.body_hash:
            raise KeyReused("this Idempotency-Key was sent with another batch")
        return batch.answer
