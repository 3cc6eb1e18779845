"""The routes of `/api/catalog/v1`: parse, call one use case or query, answer."""

from catalog import schemas
from catalog.domain import NotInForce
from catalog.imports import Imports
from catalog.queries import AgencyUnknown, CalendarUnknown, Queries
from catalog.store import Wanted
from catalog.usecases import PublishedMeanwhile, UseCases
from chassis.errors import FieldError, Invalid, WrongState
from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router
from chassis.worktime import local_day

SCOPES = {"catalog.edit": "Publishes and withdraws procedures, edits agencies and calendars, imports a catalogue"}
EDIT = "catalog.edit"
LAW = "the catalogue of procedures is public by law (Nghị định 63/2010/NĐ-CP)"


def add_routes(router: Router, use: UseCases, imports: Imports, queries: Queries) -> None:
    _procedures(router, use, queries)
    _agencies(router, use, queries)
    _calendars(router, use, queries)
    _imports(router, imports, queries)


def _procedures(router: Router, use: UseCases, queries: Queries) -> None:
    @router.get("/procedures", public=LAW, answers={200: schemas.ProcedureList})
    def list_procedures(call: Call, query: schemas.ProceduresQuery) -> Answer:
        """Finds procedures as they stand today, by code."""
        today = local_day(call.now)
        agency = queries.agency_in_filter(query.agency, today)
        wanted = Wanted(status=query.status, q=query.q, field=query.field, agency=agency, level=query.level)
        found = queries.procedures(wanted, today, _after(query.cursor), query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last[0].code))
        return Answer({"items": [schemas.ProcedureSummary.of(*item) for item in items], "next": following})

    @router.get("/procedures/<code>", public=LAW, answers={200: schemas.ProcedureAnswer}, raises=(NotInForce,))
    def get_procedure(call: Call, code: str, query: schemas.ProcedureQuery) -> Answer:
        """The version of a procedure that is in force today, or on the day `on`; or the version with a number.

        The ETag is the number of the latest entry of its history, which a change must name in If-Match.
        """
        version, standing = queries.procedure(code, query.version, query.on or local_day(call.now))
        return Answer(schemas.ProcedureAnswer.of(version, standing), version=standing.latest)

    @router.put(
        "/procedures/<code>",
        scope=EDIT,
        needs="key_or_match",
        answers={200: schemas.ProcedureAnswer, 201: schemas.ProcedureAnswer},
        raises=(PublishedMeanwhile,),
    )
    def publish_procedure(call: Call, code: str, body: schemas.ProcedureBody) -> Answer:
        """Publishes the next version of a procedure (201: its first). Versions that are there stay as they are.

        It must not begin before the latest entry of the history does; that one ends where this one begins.
        """
        return use.publish(call, body.procedure(code))

    @router.post(
        "/procedures/<code>/withdrawal",
        scope=EDIT,
        needs="key",
        answers={201: schemas.ProcedureAnswer},
        raises=(WrongState,),
    )
    def withdraw_procedure(call: Call, code: str, body: schemas.Withdrawal) -> Answer:
        """Withdraws a procedure from a day on.

        The withdrawal is an entry of its history too, and new versions may follow it.
        """
        return use.withdraw(call, code, body.on, body.decision)


def _agencies(router: Router, use: UseCases, queries: Queries) -> None:
    @router.get("/agencies", public=LAW, answers={200: schemas.AgencyList})
    def list_agencies(call: Call, query: schemas.AgenciesQuery) -> Answer:
        """Agencies that exist today, or on the day `on`, by identifier."""
        day = query.on or local_day(call.now)
        found = queries.agencies(query.level, query.parent, day, _after(query.cursor), query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last.id))
        return Answer(
            {"items": [schemas.AgencyAnswer.of(item.state.agency, item.version) for item in items], "next": following}
        )

    @router.get("/agencies/<id>", public=LAW, answers={200: schemas.AgencyAnswer}, raises=(AgencyUnknown,))
    def get_agency(call: Call, id: str, query: schemas.AgencyQuery) -> Answer:
        """The agency with this identifier, or the one that has it as an alias."""
        found = queries.agency(id, query.on or local_day(call.now))
        return Answer(schemas.AgencyAnswer.of(found.state.agency, found.version), version=found.version)

    @router.put(
        "/agencies/<id>",
        scope=EDIT,
        needs="key_or_match",
        answers={200: schemas.AgencyAnswer, 201: schemas.AgencyAnswer},
    )
    def put_agency(call: Call, id: str, body: schemas.AgencyBody) -> Answer:
        """Makes an agency (201) or changes it. Its parent must be there."""
        return use.put_agency(call, body.agency(id))


def _calendars(router: Router, use: UseCases, queries: Queries) -> None:
    @router.get("/calendar/<year>", public=LAW, answers={200: schemas.CalendarAnswer}, raises=(CalendarUnknown,))
    def get_calendar(call: Call, year: str) -> Answer:
        """The days of a year that break the Monday-to-Friday rule."""
        found = queries.calendar(year)
        return Answer(schemas.CalendarAnswer.of(found.state.calendar, found.version), version=found.version)

    @router.put(
        "/calendar/<year>",
        scope=EDIT,
        needs="key_or_match",
        answers={200: schemas.CalendarAnswer, 201: schemas.CalendarAnswer},
    )
    def put_calendar(call: Call, year: str, body: schemas.CalendarBody) -> Answer:
        """Publishes a year's calendar (201), or changes it after a new decision."""
        if not (year.isascii() and year.isdigit() and len(year) == 4):
            wrong = FieldError("/year", "year", "a year of four digits")
            raise Invalid("the path names no year", errors=[wrong])
        return use.put_calendar(call, body.calendar(int(year)))


def _imports(router: Router, imports: Imports, queries: Queries) -> None:
    @router.post("/imports", scope=EDIT, needs="key", answers={201: schemas.ImportAnswer})
    def import_catalogue(call: Call, body: schemas.ImportBody) -> Answer:
        """Imports procedures, agencies and calendars, and says what became of each row.

        A bad row is rejected by itself; what is there already stays unchanged. A procedure that differs from its latest
        version becomes the next version. Parents may come in the same import.
        """
        return imports.run(call, body)

    @router.get("/imports/<id>", scope=EDIT, answers={200: schemas.ImportAnswer})
    def get_import(call: Call, id: str) -> Answer:
        """What became of an import."""
        return Answer(schemas.ImportAnswer.of(queries.import_(id).state))


def _after(cursor: str | None) -> str:
    keys = keys_of(cursor, str)
    return keys[0] if keys else ""
