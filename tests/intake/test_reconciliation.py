"""A bank's list held against the records: what each row is, what is missing, and that nothing is there twice."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from chassis.service import Context
from chassis.store import Carrier
from intake import commands
from intake.domain import reconciliation
from intake.domain.reconciliation import Row
from native.access import Persona
from tests.intake.paying import (
    ACCOUNTANT,
    FEE,
    OFFICE_ACCOUNTANT,
    OTHER_ACCOUNTANT,
    PROVIDER,
    filed,
    message,
    owed,
    received,
    tell,
    unmatched,
)
from tests.support.catalogue import ELSEWHERE
from tests.support.services import Running, pointers, problem

HEADER = "transaction,reference,amount,paid_at\n"


def listing(*rows: tuple[str, str, Any, str]) -> bytes:
    return (HEADER + "".join(",".join(str(cell) for cell in row) + "\n" for row in rows)).encode()


def reconcile(
    intake: Running, file: bytes, who: str | Persona = ACCOUNTANT, query: str = "", key: str | None = None
) -> Any:
    return intake.request(
        "POST",
        f"payments/reconciliations?provider={PROVIDER}{query}",
        who,
        data=file,
        headers={"Content-Type": "text/csv"},
        key=key or secrets.token_hex(8),
    )


def results(answer: Any) -> list[str]:
    assert answer.status_code in (200, 201), answer.text
    return [row["result"] for row in answer.get_json()["rows"]]


# -- the file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "amount", "paid_at"),
    [
        ("FT1,nop phi,25000,2026-03-04T09:30:00+07:00", 25_000, "2026-03-04T02:30:00+00:00"),
        ("FT1,nop phi,25.000,2026-03-04 09:30:00", 25_000, "2026-03-04T02:30:00+00:00"),
        ('FT1,nop phi,"1,250,000",04/03/2026 09:30', 1_250_000, "2026-03-04T02:30:00+00:00"),
        ("FT1,nop phi,25 000,04/03/2026", 25_000, "2026-03-03T17:00:00+00:00"),
        (" FT1 , nop  phi ,25000,2026-03-04T02:30:00.123456Z", 25_000, "2026-03-04T02:30:00.123000+00:00"),
    ],
)
def test_a_row_is_read_as_banks_write_it(text: str, amount: int, paid_at: str) -> None:
    [row], wrong = reconciliation.read(HEADER + text)
    assert (row, wrong) == (
        Row(line=2, transaction="FT1", text="nop phi", amount=amount, paid_at=row.paid_at),
        [],
    )
    assert row.paid_at.isoformat() == paid_at


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (",x,25000,2026-03-04", "transaction"),
        ("=cmd|'/C calc'!A0,x,25000,2026-03-04", "transaction"),
        ("F T,x,25000,2026-03-04", "transaction"),
        ("FT1,x,,2026-03-04", "amount"),
        ("FT1,x,-25000,2026-03-04", "amount"),
        ("FT1,x,0,2026-03-04", "amount"),
        ("FT1,x,25.00,2026-03-04", "amount"),
        ("FT1,x,٢٥٠٠٠,2026-03-04", "amount"),
        ("FT1,x,9999999999999,2026-03-04", "amount"),
        ("FT1,x,25000,", "paid_at"),
        ("FT1,x,25000,31/02/2026", "paid_at"),
        ("FT1,x,25000,0001-01-01", "paid_at"),
        ("FT1,x,25000,9999-12-31T23:59:59-23:59", "paid_at"),
        ("FT1", "amount"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(text: str, detail: str) -> None:
    rows, [wrong] = reconciliation.read(f"{HEADER}\n{text}\n")
    assert (rows, wrong.result, wrong.line, wrong.detail) == ([], "malformed", 3, detail)


def test_columns_have_names_not_places_and_excel_its_own_ways() -> None:
    text = "\ufeffAMOUNT;Note;paid_at;Transaction;REFERENCE\r\n25.000;x;04/03/2026;FT1;cô Hoa\r\n;;;;\r\n"
    [row], wrong = reconciliation.read(text)
    assert (row.amount, row.transaction, row.text, wrong) == (25_000, "FT1", "cô Hoa", [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "header"),
        ("transaction,amount,paid_at\n", "header"),
        ("transaction,transaction,reference,amount,paid_at\n", "header"),
        (HEADER + '"' + "x" * 200_000, "csv"),
        (HEADER + "FT1,x,1,2026-03-04\n" * 10_001, "too_many_rows"),
    ],
)
def test_what_is_no_such_file_is_refused_whole(text: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        reconciliation.read(text)
    assert [error.code for error in raised.value.errors] == [code]


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    for whole in (text, HEADER + text):
        try:
            rows, wrong = reconciliation.read(whole)
        except Invalid:
            continue
        assert all(row.amount > 0 and row.text.isprintable() for row in rows)
        assert all(each.result == "malformed" for each in wrong)


# -- against the records -----------------------------------------------------------------------------------------------


def test_each_row_is_what_it_is_and_nothing_is_there_twice(paying: Running) -> None:
    heard, unheard, other, short = (received(paying) for _ in range(4))
    tell(paying, message(heard["code"], transaction="FT1"))
    tell(paying, message(other["code"], transaction="FT9"))
    file = listing(
        ("FT1", heard["code"], FEE, "2026-03-04"),
        ("FT2", f"CK {unheard['code'].lower()} phi", FEE, "04/03/2026 08:00"),
        ("FT3", short["code"], FEE - 1, "2026-03-04"),
        ("FT4", "chuyen khoan", FEE, "2026-03-04"),
        ("FT5", heard["code"], FEE, "2026-03-04"),
        ("FT2", unheard["code"], FEE, "2026-03-04"),
        ("FT1", heard["code"], 7, "2026-03-04"),
        ("F T", "", "", ""),
    )
    answer = reconcile(paying, file, key="once")
    assert answer.status_code == 201, answer.text
    found = answer.get_json()
    assert results(answer) == [
        "known", "matched", "amount_differs", "unknown_order", "already_paid", "known", "contradicts", "malformed",
    ]  # fmt: skip
    assert found["counts"] == {
        "known": 2, "matched": 1, "amount_differs": 1, "unknown_order": 1, "already_paid": 1, "contradicts": 1,
        "malformed": 1,
    }  # fmt: skip
    assert (found["from"], found["to"], found["clean"]) == ("2026-03-04", "2026-03-04", False)
    assert [(each["transaction"], each["dossier"], each["amount"]) for each in found["missing"]] == [
        ("FT9", other["id"], FEE)
    ]
    assert reconcile(paying, file, key="once").data == answer.data
    shown = paying.get(f"payments/reconciliations/{found['id']}", ACCOUNTANT).get_json()
    assert shown == found

    strays = unmatched(paying)
    money = {each["id"]: owed(paying, each["id"])["paid"] for each in (heard, unheard, other, short)}
    for _ in range(2):
        again = reconcile(paying, file)
        assert results(again) == ["known"] * 7 + ["malformed"]
        assert unmatched(paying) == strays
        assert money == {id: owed(paying, id)["paid"] for id in money}
    assert list(money.values()) == [FEE, FEE, FEE, 0]
    assert sorted(each["transaction"] for each in strays) == ["FT1", "FT3", "FT4", "FT5"]


def test_a_call_back_after_the_file_finds_it_known(paying: Running) -> None:
    dossier = received(paying)
    assert results(reconcile(paying, listing(("FT1", dossier["code"], FEE, "2026-03-04")))) == ["matched"]
    assert tell(paying, message(dossier["code"])).get_json()["result"] == "recorded"
    assert (owed(paying, dossier["id"])["paid"], unmatched(paying)) == (FEE, [])


def test_a_dry_run_says_it_all_and_changes_nothing(paying: Running) -> None:
    dossier = received(paying)
    file = listing(
        ("FT1", dossier["code"], FEE, "2026-03-04"),
        ("FT2", dossier["code"], FEE, "2026-03-04"),
        ("FT3", "?", FEE, "2026-03-04"),
    )
    before = {name: paying.rows(name) for name in ("dossiers", "payments", "reconciliations", "counters")}
    answer = reconcile(paying, file, query="&dry_run=true")
    assert (answer.status_code, answer.get_json()["dry_run"]) == (200, True)
    assert results(answer) == ["matched", "already_paid", "unknown_order"]
    assert before == {name: paying.rows(name) for name in before}
    assert results(reconcile(paying, file)) == ["matched", "already_paid", "unknown_order"]


def test_what_is_missing_is_of_the_files_days_and_provider(paying: Running) -> None:
    first, second, third, gone = (received(paying) for _ in range(4))
    tell(paying, message(first["code"], transaction="FT1", paid_at="2026-03-02T16:59:59Z"))
    tell(paying, message(second["code"], transaction="FT2", paid_at="2026-03-02T17:00:00Z"))
    tell(paying, message("?", transaction="FT3", paid_at="2026-03-03T16:59:59Z"))
    tell(paying, message(third["code"], transaction="FT4"), provider="other", secret="o" * 24)
    back = tell(paying, message(gone["code"], transaction="FT5", paid_at="2026-03-03T01:00:00Z")).get_json()["payment"]
    where = f"dossiers/{gone['id']}/payments/{back}/reversal"
    assert paying.post(where, ACCOUNTANT, {"reason": "Ngân hàng hủy"}).status_code == 200
    answer = reconcile(paying, HEADER.encode(), query="&from=2026-03-03&to=2026-03-03")
    assert [each["transaction"] for each in answer.get_json()["missing"]] == ["FT2", "FT3"]


def test_an_accountant_of_an_agency_settles_its_own_bills_only(paying: Running) -> None:
    mine = received(paying)
    file = listing(("FT1", mine["code"], FEE, "2026-03-04"), ("FT2", "?", FEE, "2026-03-04"))
    assert results(reconcile(paying, file, OTHER_ACCOUNTANT)) == ["unknown_order", "unknown_order"]
    assert (unmatched(paying), owed(paying, mine["id"])["paid"]) == ([], 0), "nobody else's money is kept from them"
    answer = reconcile(paying, file, OFFICE_ACCOUNTANT)
    assert results(answer) == ["matched", "unknown_order"]
    known = reconcile(paying, file, OTHER_ACCOUNTANT).get_json()
    assert [(row["result"], row["dossier"]) for row in known["rows"]] == [("known", None), ("unknown_order", None)]
    assert known["missing"] == []
    id = answer.get_json()["id"]
    problem(paying.get(f"payments/reconciliations/{id}", OTHER_ACCOUNTANT), 404)
    assert paying.get(f"payments/reconciliations/{id}", ACCOUNTANT).status_code == 200
    problem(reconcile(paying, file, "counter_officer"), 403)
    assert ELSEWHERE not in {each["agency"] for each in unmatched(paying)}


def test_a_large_file_is_recorded_in_batches(paying: Running) -> None:
    codes = [received(paying)["code"] for _ in range(3)]
    rows = [(f"X{n}", codes[n // 300], FEE, "2026-03-04") for n in range(700)]
    found = reconcile(paying, listing(*rows)).get_json()
    assert found["counts"] == {"matched": 3, "already_paid": 697}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("&from=2026-03-04&to=2026-03-03", "/to"),
        ("&from=2026-01-01&to=2026-12-31", "/to"),
        ("&from=2026-03-04", "/from"),
        ("&from=yesterday", "/from"),
        ("&day=2026-03-03", "/day"),
    ],
)
def test_a_period_that_is_none_is_refused(paying: Running, query: str, pointer: str) -> None:
    assert [found for found, _ in pointers(reconcile(paying, HEADER.encode(), query=query))] == [pointer]


def test_what_is_no_file_is_refused(paying: Running) -> None:
    assert pointers(reconcile(paying, b"\xff\xfe\x00")) == [("/file", "encoding")]
    assert pointers(reconcile(paying, b"PK\x03\x04")) == [("/file", "header")]
    problem(paying.post("payments/reconciliations?provider=napas", ACCOUNTANT, {}), 415)
    problem(reconcile(paying, b"x" * 5_100_000), 413)
    assert reconcile(paying, HEADER.encode(), query="&provider=x").status_code == 422
    key = "the same"
    assert reconcile(paying, listing(("FT1", "?", 1, "2026-03-04")), key=key).status_code == 201
    problem(reconcile(paying, listing(("FT1", "?", 2, "2026-03-04")), key=key), 422, "idempotency_key_reused")
    file = listing(("FT1", "?", 1, "2026-03-04"))
    answer = reconcile(paying, file, key=key, query="&from=2026-03-01&to=2026-03-04")
    problem(answer, 422, "idempotency_key_reused")


# -- the command -------------------------------------------------------------------------------------------------------


def run(intake: Running, *arguments: str) -> int:
    context: Context[Any] = Context(
        intake.service.settings.model_construct(), intake.database, Carrier(intake.clock), intake.clock
    )
    return commands.reconcile(context, intake.parts, list(arguments))


def test_the_command_does_the_same(paying: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dossier = filed(paying, "counter_officer", channel="counter")
    file = tmp_path / "march.csv"
    file.write_bytes(listing(("FT1", dossier["code"], FEE, "2026-03-04")))
    assert run(paying, str(file), "--provider", PROVIDER, "--dry-run") == 0
    assert owed(paying, dossier["id"])["paid"] == 0
    assert run(paying, str(file), "--provider", PROVIDER) == 0
    assert owed(paying, dossier["id"])["paid"] == FEE
    assert capsys.readouterr().err.splitlines() == [
        "2026-03-04 to 2026-03-04: 1 matched, 0 not in the file (dry run)",
        "2026-03-04 to 2026-03-04: 1 matched, 0 not in the file",
    ]
    file.write_bytes(listing(("FT2", dossier["code"], FEE, "2026-03-04"), ("FT3", "", "?", "2026-03-04")))
    assert run(paying, str(file), "--provider", PROVIDER) == 1
    assert capsys.readouterr().out.splitlines() == [
        "line 2: already_paid: FT2",
        "line 3: malformed: amount",
        f"not in the file: FT1: {FEE}",
    ]
    assert run(paying, str(tmp_path / "nothing.csv"), "--provider", PROVIDER) == 2
    file.write_bytes(b"x")
    assert run(paying, str(file), "--provider", PROVIDER) == 2
