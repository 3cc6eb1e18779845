"""The routes of replacements of papers by databases."""

from catalog.replacements import schemas
from catalog.replacements.usecases import ReplacementsUnknown, Replacing
from chassis.web import Answer, Call, Router


def add_routes(router: Router, use: Replacing, edit: str) -> None:
    """`edit`: the scope that changes procedures."""

    @router.post("/replacements", scope=edit, needs="key", answers={201: schemas.ReplacementsAnswer})
    def replace_papers(call: Call, body: schemas.ReplacementsBody) -> Answer:
        """Says of many papers that a database replaces them, and what became of each row.

        Each procedure concerned gets one new version, valid from `valid_from` on, in which the papers are not asked
        for. A bad row is rejected by itself; what is replaced already stays unchanged.
        """
        return use.run(call, body)

    @router.get(
        "/replacements/<id>", scope=edit, answers={200: schemas.ReplacementsAnswer}, raises=(ReplacementsUnknown,)
    )
    def get_replacements(call: Call, id: str) -> Answer:
        """What became of an import of replacements."""
        return Answer(schemas.ReplacementsAnswer.of(use.done(id)))
