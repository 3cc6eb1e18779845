"""The sample's forms are forms that the catalogue takes, and what the plan fills in is what intake takes."""

from datetime import date
from random import Random
from typing import Any

import pytest

from catalog.forms import checked
from intake.domain import forms as intake_forms
from intake.domain.population import places
from sample import forms, plan, province
from sample.province import Procedure
from tests.intake import making

THANH_HOA = province.read()
WITH_FORM = [procedure for procedure in THANH_HOA.procedures.values() if procedure.form is not None]
with_form = pytest.mark.parametrize("procedure", WITH_FORM, ids=lambda procedure: procedure.code)


def faults(procedure: Procedure, answers: dict[str, Any]) -> list[Any]:
    read = making.procedure(code=procedure.code, form=procedure.form)
    return intake_forms.check(read, answers)


def test_at_least_six_procedures_have_one() -> None:
    assert len(WITH_FORM) >= 6
    files = {path.stem for path in (province.FOLDER / province.FORMS).glob("*.json")}
    assert files == {procedure.code for procedure in WITH_FORM}, "each file is a procedure's"
    rows = {row["code"]: row.get("form") for row in THANH_HOA.lists["procedures"]}
    assert all(rows[procedure.code] == procedure.form for procedure in WITH_FORM), "they are loaded with it"


@with_form
def test_the_catalogue_takes_it(procedure: Procedure) -> None:
    form = dict(procedure.form or {})
    assert checked(form) == form


@with_form
def test_every_field_has_a_label(procedure: Procedure) -> None:
    def unlabelled(schema: Any, name: str) -> list[str]:
        properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
        mine = [name] if "title" not in schema else []
        return mine + [wrong for key, part in properties.items() for wrong in unlabelled(part, f"{name}/{key}")]

    form = procedure.form or {}
    assert [wrong for part in (form, *form.get("$defs", {}).values()) for wrong in unlabelled(part, "")] == []


@with_form
def test_what_is_filled_in_fits(procedure: Procedure) -> None:
    random = Random("forms")  # noqa: S311 (chance that can be repeated is what is wanted)
    for _ in range(60):
        applicant = plan.applicant(random, random.choice(procedure.applicants))
        assert faults(procedure, forms.fill(procedure.form, applicant, random)) == []


@with_form
def test_an_empty_form_is_refused(procedure: Procedure) -> None:
    assert {error.code for error in faults(procedure, {})} >= {"required"}


def test_some_of_it_comes_from_the_population_database() -> None:
    keys = {place.key for procedure in WITH_FORM for place in places(making.procedure(form=procedure.form))}
    assert keys >= {"birth_date", "sex", "hometown", "nationality", "identity_issued_on"}


def test_what_the_plan_sends_fits_its_form_and_is_the_same_each_time() -> None:
    agencies = {"counter_officer": "H56.30", "officer": "H56.30", "other_officer": "H56.02", "office": "H56.30"}
    planned = plan.draw(THANH_HOA, date(2026, 11, 22), 320, agencies, "sample")
    formed = [one for one in planned if one.procedure.form is not None]
    assert formed
    for one in formed:
        assert faults(one.procedure, one.body["form"]) == []
        assert one.body == one.body
    assert all(one.body["form"] == {} for one in planned if one.procedure.form is None)
