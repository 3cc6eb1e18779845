"""The course of a dossier."""

from chassis.web import Answer, Call, Router
from workflow.domain.processes import first_broken_entry
from workflow.queries.processes import ProcessQueries
from workflow.schemas import processes as schemas
from workflow.schemas.tasks import TaskView


def add_routes(router: Router, queries: ProcessQueries) -> None:
    @router.get("/dossiers/<id>/timeline", scope="tasks.read", answers={200: schemas.Timeline})
    def show_timeline(call: Call, id: str) -> Answer:
        """A dossier's tasks in the process's order, and every act on them."""
        loaded = queries.process(call.principal, id)
        process = loaded.state
        above = queries.parent(process)
        return Answer(
            schemas.Timeline(
                dossier=process.id,
                code=process.code,
                state=process.state,
                outcome=process.outcome,
                received_at=process.received_at,
                due_at=process.due_at,
                finished_at=process.finished_at,
                withdrawn_at=process.withdrawn_at,
                stopped_at=process.stopped_at,
                timing=process.timing,
                version=loaded.version,
                tasks=[TaskView.of(process, task) for task in process.tasks],
                parent=None
                if above is None
                else schemas.ParentView(dossier=above.id, task=process.parent or "", state=above.state),
                children=[schemas.ChildView.of(each) for each in queries.children(process)],
                journal=[schemas.EntryView.of(entry) for entry in process.journal],
                intact=first_broken_entry(process) is None,
            ),
            version=loaded.version,
        )

    @router.get("/reschedulings", scope="tasks.read", answers={200: schemas.ReschedulingPage})
    def list_reschedulings(call: Call, query: schemas.ReschedulingsQuery) -> Answer:
        """Which dossiers got another due date by a change of a year's calendar, and by which decision."""
        found, following = queries.reschedulings(call.principal, query.year, query.cursor, query.limit)
        items = [schemas.ReschedulingView.of(process, moved) for process, moved in found]
        return Answer(schemas.ReschedulingPage(items=items, next=following))

    @router.get("/dossiers/<id>/clock", scope="tasks.read", answers={200: schemas.Clock})
    def show_clock(call: Call, id: str) -> Answer:
        """The deadline's account: what was promised, what is used, and how the due date comes about."""
        process = queries.process(call.principal, id).state
        return Answer(schemas.Clock.of(process, queries.account(process, call.now)))
