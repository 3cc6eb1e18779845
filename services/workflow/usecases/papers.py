"""Asking for a paper about a dossier's course. It is printed by the worker; whoever asks early asks again a second
later."""

from chassis.printed import Printed
from chassis.web import Call
from workflow.domain import papers
from workflow.domain.papers import Kind
from workflow.queries.processes import ProcessQueries
from workflow.store import WorkflowStore

Asked = tuple[Printed[Kind], bytes | None]
"""A paper, and its PDF once it is printed."""


class PaperUseCases:
    """All raise NotFound for a dossier that is not the caller's to see, NothingToPrint, and PaperFailed."""

    def __init__(self, store: WorkflowStore, queries: ProcessQueries) -> None:
        self._store = store
        self._queries = queries

    def apology(self, call: Call, id: str, number: int | None) -> Asked:
        process = self._queries.process(call.principal, id).state
        return self._asked(call, papers.apology(process, number, self._named))

    def stop_notice(self, call: Call, id: str) -> Asked:
        process = self._queries.process(call.principal, id).state
        return self._asked(call, papers.stop_notice(process, self._named))

    def control_slip(self, call: Call, id: str) -> Asked:
        process = self._queries.process(call.principal, id).state
        known = self._store.officers.known(papers.people(process))
        names = {id: officer.name for id, officer in known.items()}
        # Of who was never here since, the tasks know the name.
        names |= {each.assignee: each.assignee_name for each in process.tasks if each.assignee and each.assignee_name}
        return self._asked(call, papers.control_slip(process, self._named, names))

    def _named(self, agency: str) -> str:
        found = self._store.catalogue.agency(agency)
        return agency if found is None else found.name

    def _asked(self, call: Call, paper: Printed[Kind]) -> Asked:
        return paper, self._store.papers.ask(paper, call.now)
