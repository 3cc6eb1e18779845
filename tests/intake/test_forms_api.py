"""Forms over HTTP: shown to anybody, and what is filed is checked by them."""

from datetime import date
from typing import Any

import pytest

from tests.intake.making import body
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, CHARTER
from tests.support.services import Running, another_process, pointers, problem

FORM: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"so": {"type": "string", "format": "identity-number", "title": "Số định danh"}},
    "properties": {
        "ten": {"type": "string", "title": "Tên hộ", "x-message": {"required": "Hãy đặt tên cho hộ kinh doanh"}},
        "chu_ho": {"$ref": "#/$defs/so", "title": "Số của chủ hộ"},
        "a.b": {"type": "string"},
    },
    "patternProperties": {"^x\\.": {"type": "string"}},
    "required": ["ten"],
    "additionalProperties": False,
}  # fmt: skip


@pytest.fixture
def formed(intake: Running) -> Running:
    """Intake, where the business procedure has a form from 1 March 2026 on."""
    told = [catalogue.published(catalogue.procedure(version=2, form=FORM, valid_from=date(2026, 3, 1)))]
    assert all(intake.hear(told))
    return intake


def test_anybody_reads_the_form_of_the_version_in_force(formed: Running) -> None:
    answer = formed.get(f"procedures/{BUSINESS}/form")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.get_json() == {
        "procedure": BUSINESS,
        "name": "Đăng ký thành lập hộ kinh doanh",
        "version": 2,
        "valid_from": "2026-03-01",
        "valid_to": None,
        "form": FORM,
    }
    assert list(answer.get_json()["form"]["properties"]) == list(FORM["properties"]), "in the order of the form"


def test_on_another_day_it_is_that_days_version(formed: Running) -> None:
    before = formed.get(f"procedures/{BUSINESS}/form?on=2026-02-28").get_json()
    assert (before["version"], before["form"]) == (1, None)
    assert formed.get(f"procedures/{BUSINESS}/form?on=2026-03-01").get_json()["version"] == 2
    problem(formed.get(f"procedures/{BUSINESS}/form?on=2018-12-31"), 404, "not_found")


@pytest.mark.parametrize("code", ["9.999999", "x", "$where", "../form"])
def test_an_unknown_procedure_has_no_form(formed: Running, code: str) -> None:
    problem(formed.get(f"procedures/{code}/form"), 404, "not_found")


@pytest.mark.parametrize("on", ["hôm-nay", "2026-13-01", "2026-03-04T00:30:00"])
def test_a_day_that_is_none_is_refused(formed: Running, on: str) -> None:
    problem(formed.get(f"procedures/{BUSINESS}/form?on={on}"), 422, "invalid")


@pytest.mark.parametrize("channel", ["online", "counter", "post"])
def test_what_is_filed_is_checked_whatever_way_it_comes(formed: Running, channel: str) -> None:
    answer = formed.post("dossiers", "counter_officer", body(channel=channel, form={"chu_ho": "12", "la": 1}))
    found = problem(answer, 422, "invalid")["errors"]
    assert sorted((error["pointer"], error["code"], error["message"]) for error in found) == [
        (
            "/form/chu_ho", "format",
            "Số của chủ hộ: số định danh cá nhân gồm 12 chữ số, hoặc 9 chữ số của chứng minh nhân dân",
        ),
        ("/form/la", "additionalProperties", "la: biểu mẫu không có ô này"),
        ("/form/ten", "required", "Hãy đặt tên cho hộ kinh doanh"),
    ]  # fmt: skip
    assert formed.rows("dossiers") == []
    assert formed.rows("counters") == [], "no code was drawn for nothing"


def test_the_form_is_told_together_with_everything_else_that_is_wrong(formed: Running) -> None:
    answer = formed.post("dossiers", "citizen", body(form={}, components=[]))
    assert pointers(answer) == [("/components", "missing_component"), ("/form/ten", "required")]


def test_what_fits_is_filed_and_kept_as_it_was_sent(formed: Running) -> None:
    form = {"ten": "Tạp hóa Hoa", "chu_ho": "038185001234"}
    id = formed.post("dossiers", "citizen", body(form=form)).get_json()["id"]
    assert formed.get(f"dossiers/{id}", "citizen").get_json()["form"] == form


def test_a_repetition_is_not_checked_by_a_form_that_came_later(formed: Running) -> None:
    first = formed.post("dossiers", "citizen", body(form={"ten": "Hoa"}), key="k-1")
    stricter = {**FORM, "required": ["ten", "chu_ho"]}
    formed.hear([catalogue.published(catalogue.procedure(version=3, form=stricter, valid_from=date(2026, 3, 2)))])
    with another_process(formed) as later:
        assert later.post("dossiers", "citizen", body(form={"ten": "Hoa"}), key="k-1").data == first.data
        assert pointers(later.post("dossiers", "citizen", body(form={"ten": "Hoa"}))) == [("/form/chu_ho", "required")]


def test_a_procedure_without_a_form_takes_what_it_took_before(intake: Running) -> None:
    assert intake.get(f"procedures/{CHARTER}/form").get_json()["form"] is None
    answer = intake.post("dossiers", "citizen", body(form={"bat_ky": [1, {"gi": None}]}))
    assert answer.status_code == 201


def test_a_form_that_cannot_be_compiled_is_said_to_be_the_systems_fault(intake: Running) -> None:
    broken = catalogue.procedure(version=2, form={"type": "object", "properties": {"a": {"$ref": "http://x.invalid/"}}})
    intake.hear([catalogue.published(broken)])
    answer = intake.post("dossiers", "citizen", body())
    problem(answer, 503, "unusable_form")
    assert answer.headers["Retry-After"]
