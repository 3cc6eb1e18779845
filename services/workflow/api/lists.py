"""Lists of tasks and of dossiers, and who has how much to do."""

from collections.abc import Callable

from chassis.web import Answer, Call, Router
from workflow.domain.listing import Wanted
from workflow.queries.dossiers import DossierQueries
from workflow.queries.tasks import TaskQueries
from workflow.queries.workload import WorkloadQueries
from workflow.schemas import lists as schemas
from workflow.schemas.tasks import TaskView
from workflow.store.lists import WantedDossiers


def add_routes(
    router: Router,
    tasks: TaskQueries,
    dossiers: DossierQueries,
    workload: WorkloadQueries,
    met: Callable[[Call], None],
) -> None:
    """`met`: whoever looks at tasks can be given some."""

    @router.get("/tasks", scope="tasks.read", answers={200: schemas.TaskPage})
    def list_tasks(call: Call, query: schemas.TasksQuery) -> Answer:
        """Open tasks, by the earliest due time of their dossier's open tasks. A page holds at most `limit` tasks."""
        met(call)
        before = [at for at in (query.due_before, call.now if query.overdue else None) if at is not None]
        wanted = Wanted(
            agency=query.agency,
            role=query.role,
            persons=None if query.assignee is None else (query.assignee,),
            state=query.state,
            procedure=query.procedure,
            kind=query.kind,
            due_before=min(before, default=None),
        )
        if query.assignee == "me":
            wanted = tasks.mine(call.principal, wanted, call.now)
        found, following = tasks.tasks(call.principal, wanted, cursor=query.cursor, limit=query.limit)
        return Answer(schemas.TaskPage(items=[TaskView.of(listed, task) for listed, task in found], next=following))

    @router.get("/dossiers", scope="tasks.read", answers={200: schemas.DossierPage})
    def list_dossiers(call: Call, query: schemas.DossiersQuery) -> Answer:
        """Dossiers that the caller's agency works on or worked on: by code with `q`, the earliest due first with
        `due_before`, and otherwise the newest first."""
        wanted = WantedDossiers(
            agency=query.agency,
            state=query.state,
            due_before=query.due_before,
            code=query.q,
            follower=None if query.follower is None else call.principal.subject,
        )
        found, following = dossiers.dossiers(call.principal, wanted, cursor=query.cursor, limit=query.limit)
        return Answer(schemas.DossierPage(items=[schemas.DossierView.of(each) for each in found], next=following))

    @router.get("/late", scope="tasks.read", answers={200: schemas.LatePage})
    def list_late(call: Call, query: schemas.LateQuery) -> Answer:
        """Dossiers that have not ended and are late, the longest late first: those without an apology in time (form
        04), or, with `apology`, those with one."""
        found, following = dossiers.late(
            call.principal,
            call.now,
            agency=query.agency,
            subtree=query.subtree,
            apologised=query.apology,
            cursor=query.cursor,
            limit=query.limit,
        )
        return Answer(schemas.LatePage(items=[schemas.LateView.of(each) for each in found], next=following))

    @router.get("/workload", scope="tasks.read", answers={200: schemas.WorkloadPage})
    def show_workload(call: Call, query: schemas.WorkloadQuery) -> Answer:
        """What is with each officer of an agency, and what they did lately."""
        found, following = workload.workload(
            call.principal,
            agency=query.agency,
            subtree=query.subtree,
            now=call.now,
            cursor=query.cursor,
            limit=query.limit,
        )
        return Answer(schemas.WorkloadPage(items=[schemas.WorkloadView.of(row) for row in found], next=following))
