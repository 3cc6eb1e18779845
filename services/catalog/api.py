"""The routes of `/api/catalog/v1`: parse, call one use case or query, answer."""

from catalog import schemas
from catalog.domain import NotInForce
from catalog.queries import AgencyUnknown, CalendarUnknown, Queries
from catalog.reorganisations import Reorganisations
from catalog.search.domain import Typed
from catalog.store import Wanted
from catalog.successions import AlreadySucceeded
from catalog.usecases import PublishedMeanwhile, UseCases
from chassis.errors import FieldError, Invalid, WrongState
from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router
from chassis.worktime import local_day

SCOPES = {"catalog.edit": "Publishes and withdraws procedures, edits agencies and calendars, imports a catalogue"}
EDIT = "catalog.edit"
LAW = "the catalogue of procedures is public by law (Nghị định 63/2010/NĐ-CP)"


def add_routes(router: Router, use: UseCases, reorganisations: Reorganisations, queries: Queries) -> None:
    _procedures(router, use, queries)
    _agencies(router, use, queries)
    _successions(router, reorganisations, queries)
    _calendars(router, use, queries)


def _procedures(router: Router, use: UseCases, queries: Queries) -> None:
    @router.get("/procedures", public=LAW, answers={200: schemas.ProcedureList})
    def list_procedures(call: Call, query: schemas.ProceduresQuery) -> Answer:
        """Finds procedures as they stand today or stood on another day: by code; or with `q`, the best hits first.

        The code itself comes first, then the whole name, then names that begin so, then names that have the words one
        after another; among equals, what dossiers were most often received under in the last year.
        """
        today = query.on or local_day(call.now)
        agency = queries.agency_in_filter(query.agency, today)
        typed = Typed.of(query.q) if query.q else None
        wanted = Wanted(status=query.status, typed=typed, field=query.field, agency=agency, level=query.level)
        if typed is not None:
            keys = keys_of(query.cursor, int, int, str)
            place = (keys[0], keys[1], keys[2]) if keys else None
            hits, following = page(
                queries.ranked(wanted, typed, today, place, query.limit + 1),
                query.limit,
                lambda last: cursor_of(*last[0]),
            )
            return Answer({"items": [schemas.ProcedureSummary.of(*hit[1:]) for hit in hits], "next": following})
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
    def publish_procedure(call: Call, code: str, body: schemas.Publication) -> Answer:
        """Publishes the next version of a procedure (201: its first). Versions that are there stay as they are.

        It must not begin before the latest entry of the history does; that one ends where this one begins. With
        `correction` it takes the place of the latest version from that version's first day on.
        """
        return use.publish(call, body.procedure(code), body.correction)

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
        successions = queries.succeeded(items)
        shown = [schemas.AgencyAnswer.of(item.state.agency, item.version, successions.get(item.id)) for item in items]
        return Answer({"items": shown, "next": following})

    @router.get("/agencies/<id>", public=LAW, answers={200: schemas.AgencyAnswer}, raises=(AgencyUnknown,))
    def get_agency(call: Call, id: str, query: schemas.AgencyQuery) -> Answer:
        """The agency with this identifier, or the one that has it as an alias.

        One that has ended is shown as it was, with who takes over from it.
        """
        found = queries.agency(id, query.on or local_day(call.now))
        succession = queries.succeeded([found]).get(found.id)
        return Answer(schemas.AgencyAnswer.of(found.state.agency, found.version, succession), version=found.version)

    @router.put(
        "/agencies/<id>",
        scope=EDIT,
        needs="key_or_match",
        answers={200: schemas.AgencyAnswer, 201: schemas.AgencyAnswer},
    )
    def put_agency(call: Call, id: str, body: schemas.AgencyBody) -> Answer:
        """Makes an agency (201) or changes it. Its parent must be there."""
        return use.put_agency(call, body.agency(id))


def _successions(router: Router, reorganisations: Reorganisations, queries: Queries) -> None:
    @router.get("/successions", public=LAW, answers={200: schemas.SuccessionList})
    def list_successions(call: Call, query: schemas.SuccessionsQuery) -> Answer:
        """Which agencies took over from which, the latest day first."""
        keys = keys_of(query.cursor, str, str)
        after = (keys[0], keys[1]) if keys else None
        found = queries.successions(query.agency, after, query.limit + 1)
        items, following = page(
            found, query.limit, lambda last: cursor_of(last.state.succession.on.isoformat(), last.id)
        )
        return Answer({"items": [schemas.SuccessionAnswer.of(item.state) for item in items], "next": following})

    @router.post(
        "/successions",
        scope=EDIT,
        needs="key",
        answers={201: schemas.SuccessionAnswer},
        raises=(AlreadySucceeded,),
    )
    def succeed_agencies(call: Call, body: schemas.SuccessionBody) -> Answer:
        """Ends agencies on a day and says who takes over from them.

        From that day on their identifiers mean the one that takes over, and what is open at them is that one's to do.
        """
        return reorganisations.succeed(call, body.succession())


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
        answers={200: schemas.CalendarChange, 201: schemas.CalendarChange},
    )
    def put_calendar(call: Call, year: str, body: schemas.CalendarPut) -> Answer:
        """Publishes a year's calendar (201), or changes it after a new decision, and says which days change.

        Open dossiers whose time such a day falls into get new due dates.
        """
        if not (year.isascii() and year.isdigit() and len(year) == 4):
            wrong = FieldError("/year", "year", "a year of four digits")
            raise Invalid("the path names no year", errors=[wrong])
        return use.put_calendar(call, body.calendar(int(year)), dry_run=body.dry_run)

    @router.get(
        "/calendar/<year>/history", public=LAW, answers={200: schemas.CalendarHistory}, raises=(CalendarUnknown,)
    )
    def list_calendar_versions(call: Call, year: str) -> Answer:
        """Every version of a year's calendar: what was decided, and since when that was known."""
        versions = queries.calendar_history(year)
        return Answer({"items": [schemas.CalendarVersionView.of(version) for version in versions], "next": None})


def _after(cursor: str | None) -> str:
    keys = keys_of(cursor, str)
    return keys[0] if keys else ""
