"""The routes of targets."""

from catalog.domain import YEARS
from catalog.queries import AgencyUnknown
from catalog.targets import schemas
from catalog.targets.usecases import TargetsUnknown, TargetUseCases
from chassis.errors import FieldError, Invalid
from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router


def add_routes(router: Router, use: TargetUseCases, edit: str) -> None:
    """`edit`: the scope that changes them."""
    published = "assigned targets are in decisions that are published for everybody"

    @router.get("/targets", public=published, answers={200: schemas.TargetsList})
    def list_targets(call: Call, query: schemas.TargetsQuery) -> Answer:
        """What every agency is assigned for a year, by agency."""
        keys = keys_of(query.cursor, str)
        found = use.assigned.page(query.year, keys[0] if keys else "", query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last.state.targets.agency))
        shown = [schemas.TargetsAnswer.of(item.state.targets, item.version) for item in items]
        return Answer({"items": shown, "next": following})

    @router.get(
        "/targets/<agency>/<year>",
        public=published,
        answers={200: schemas.TargetsAnswer},
        raises=(AgencyUnknown, TargetsUnknown, Invalid),
    )
    def get_targets(call: Call, agency: str, year: str) -> Answer:
        """What an agency is assigned for a year."""
        found = use.targets(call, agency, _year(year))
        return Answer(schemas.TargetsAnswer.of(found.state.targets, found.version), version=found.version)

    @router.put(
        "/targets/<agency>/<year>",
        scope=edit,
        needs="key_or_match",
        answers={200: schemas.TargetsAnswer, 201: schemas.TargetsAnswer},
        raises=(AgencyUnknown,),
    )
    def put_targets(call: Call, agency: str, year: str, body: schemas.TargetsBody) -> Answer:
        """Assigns an agency its targets for a year (201), or changes them: percent by indicator."""
        return use.put(call, body.targets(agency, _year(year)))


def _year(text: str) -> int:
    """The year in the path; Invalid for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) == 4 and int(text) in YEARS):
        wrong = FieldError("/year", "year", f"a year from {YEARS[0]} to {YEARS[-1]}")
        raise Invalid("the path names no year", errors=[wrong])
    return int(text)
