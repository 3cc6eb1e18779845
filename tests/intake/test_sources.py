"""A dossier that was filed with another system keeps its number there, and says so in its events."""

import json

from chassis.envelope import read
from tests.intake import making
from tests.support.services import Running, pointers

PORTAL = {"source": "national_portal", "office_number": "G22.99.14-261120-0007"}


def test_its_events_say_where_it_comes_from_and_what_it_holds(intake: Running) -> None:
    key = intake.tokens.api_key("national-portal", ["dossiers.file", "any_agency"])
    filed = intake.request("POST", "dossiers", body=making.body(**PORTAL), key="k", headers={"X-Api-Key": key})
    assert filed.status_code == 201
    events = {read(body).type: read(body) for body in intake.told()}
    data = events["intake.dossier.filed.v1"].data
    assert (data["source"], data["source_code"]) == ("national_portal", PORTAL["office_number"])
    assert [component["code"] for component in data["components"]] == ["TP1"]
    assert [charge["amount"] for charge in data["charges"]] == [100_000, 50_000]
    assert data["result_return"] == "collect"
    person = data.pop("personal")
    assert (person["identity"], person["form"]) == ("038185001234", None)
    assert person["identity"] not in json.dumps(data)


def test_it_needs_its_number_there(intake: Running) -> None:
    wrong = intake.post("dossiers", "backdate", making.body(source="national_portal"))
    assert [code for _, code in pointers(wrong)] == ["source_number_missing"]


def test_only_who_acts_for_the_agency_says_so(intake: Running) -> None:
    wrong = intake.post("dossiers", "citizen", making.body(**PORTAL))
    assert pointers(wrong) == [("/office_number", "other_agency")]


def test_one_of_ours_says_nothing_of_the_kind(intake: Running) -> None:
    intake.post("dossiers", "citizen", making.body())
    (filed,) = [read(body) for body in intake.told() if read(body).type == "intake.dossier.filed.v1"]
    assert (filed.data["source"], filed.data["source_code"]) == (None, None)
