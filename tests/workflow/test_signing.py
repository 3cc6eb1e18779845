"""Signatures: made by workers, one by one and many at once, checked by two validators, and told of to everybody."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from pyhanko.pdf_utils.generic import NameObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from chassis.store import Loaded
from native.access import Persona
from tests.support.catalogue import BUSINESS, HERE
from tests.support.services import WHEN, Clock, Running, everything, pointers, problem, subject_of
from tests.workflow.deciding import (
    LEADER,
    begin,
    blank,
    ended,
    issued,
    made,
    pdfsig,
    print_all,
    signed,
    signer_of,
    stamp,
    store_of,
    text_of,
    uploaded,
)
from workflow.domain import results
from workflow.domain.results import Item, Signing
from workflow.main import WORKFLOW
from workflow.producing import AWAY, LEASE, REST
from workflow.signing import keys, pades, verifying
from workflow.signing.keys import KeyFolder, Pkcs12Signer
from workflow.signing.minting import AUTHORITY, mint

RECALL = {"reason": "Ghi sai tên chủ hộ", "basis": "Quyết định 12/QĐ-UBND"}
VALID, MISMATCH = "Signature is Valid.", "Digest Mismatch."


def file_of(of: Running, result: str) -> bytes:
    data: bytes = of.get(f"results/{result}/file.pdf", LEADER).data
    return data


def changed(pdf: bytes) -> bytes:
    """With one byte of what was signed another one: a letter of the paper's own description."""
    place = pdf.index(b"WeasyPrint")
    return pdf[:place] + b"w" + pdf[place + 1 :]


# --- one --------------------------------------------------------------------------------------------------------------


def test_two_validators_hold_a_signed_result_good_and_one_with_a_changed_byte_bad(
    deciding: Running, certificates: Path, clock: Clock, tmp_path: Path
) -> None:
    result = made(deciding, begin(deciding))["id"]
    draft = file_of(deciding, result)
    clock.move(minutes=90)
    assert signed(deciding, certificates, result)["state"] == "finished"
    pdf = file_of(deciding, result)
    assert pdf.startswith(draft), "nothing that was there is another"
    trusted = verifying.roots(certificates / AUTHORITY)
    (found,) = verifying.signatures(pdf, trusted)
    assert (found.intact, found.trusted, found.signer) == (True, True, "Ủy ban nhân dân huyện Hoằng Hóa")
    assert found.at == clock(), "our clock's time"
    said = pdfsig(pdf, tmp_path)
    assert VALID in said
    assert "ETSI.CAdES.detached" in said
    assert "Total document signed" in said
    bad = changed(pdf)
    assert MISMATCH in pdfsig(bad, tmp_path)
    assert [(each.intact, each.trusted) for each in verifying.signatures(bad, trusted)] == [(False, False)]
    # Whoever is not among the trusted is not, however intact the document is.
    assert [(each.intact, each.trusted) for each in verifying.signatures(pdf, [])] == [(True, False)]
    text = text_of(pdf)
    assert "Cơ quan: Ủy ban nhân dân H56.30" in text
    assert "Thời gian ký: 04/03/2026 10:30:00 +07:00" in text


def test_something_added_behind_a_signature_is_seen(certificates: Path, deciding: Running) -> None:
    result = made(deciding, begin(deciding))["id"]
    signed(deciding, certificates, result)
    pdf = file_of(deciding, result)
    writer, out = IncrementalPdfFileWriter(BytesIO(pdf)), BytesIO()
    writer.root["/PageMode"] = NameObject("/FullScreen")
    writer.update_root()  # type: ignore[no-untyped-call]
    writer.write(out)  # type: ignore[no-untyped-call]
    assert out.getvalue().startswith(pdf)
    assert [each.intact for each in verifying.signatures(out.getvalue(), [])] == [False]


def test_an_officer_signs_with_their_own_certificate_and_what_was_signed_stays(
    deciding: Running, certificates: Path
) -> None:
    result = made(deciding, begin(deciding))["id"]
    assert signed(deciding, certificates, result, key="officer")["signed"] == 1
    found = deciding.get(f"results/{result}", "officer").get_json()
    assert (found["state"], found["signature"]["name"], found["signature"]["key"]) == ("signed", LEADER.name, "officer")
    before = deciding.rows("results")
    again = signed(deciding, certificates, result)
    assert [(item["state"], item["reason"]) for item in again["items"]] == [("refused", "already_signed")]
    assert deciding.rows("results") == before
    acts = [entry["act"] for entry in before[0]["journal"]]
    assert acts == ["made", "printed", "signed"]


def test_a_pdf_that_was_signed_elsewhere_counts_when_its_certificate_is_trusted(
    deciding: Running, certificates: Path, tmp_path: Path
) -> None:
    def made_elsewhere(folder: Path) -> bytes:
        signer = KeyFolder(folder).signer("agency", HERE)
        assert signer is not None
        how = pades.Appearance(stamp(tmp_path), "Văn thư", "Ban hành", "Hoằng Hóa")
        return pades.sign(blank(Producer="WeasyPrint"), signer, WHEN, how)

    dossier = begin(deciding, BUSINESS)
    path = f"dossiers/{dossier}/results"
    trusted = made_elsewhere(certificates)
    found = uploaded(deciding, path, trusted).get_json()
    assert (found["state"], found["signature"]["key"]) == ("signed", "uploaded")
    mint(tmp_path / "others", {("agency", HERE): "Nơi khác"}, WHEN)
    assert uploaded(deciding, path, made_elsewhere(tmp_path / "others")).get_json()["state"] == "draft"
    problem(uploaded(deciding, path, changed(trusted)), 422, "signature_broken")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: folder.joinpath(keys.file_name("agency", HERE)).unlink(), "no_certificate"),
        (lambda folder: folder.joinpath(f"agency.{HERE}.pass").write_text("khác"), "certificate_unusable"),
        (lambda folder: folder.joinpath(keys.file_name("agency", HERE)).write_bytes(b"x"), "certificate_unusable"),
    ],
    ids=["none", "passphrase", "damaged"],
)
def test_a_key_that_cannot_be_used_is_named(
    deciding: Running, tmp_path: Path, certificates: Path, spoil: Any, reason: str
) -> None:
    for name in (f"agency.{HERE}.p12", f"agency.{HERE}.pass"):
        (tmp_path / name).write_bytes((certificates / name).read_bytes())
    spoil(tmp_path)
    result = uploaded(deciding, f"dossiers/{begin(deciding, BUSINESS)}/results", blank()).get_json()["id"]
    found = signed(deciding, tmp_path, result)
    assert (found["state"], found["items"][0]["reason"]) == ("finished", reason)
    assert deciding.get(f"results/{result}", "officer").get_json()["state"] == "draft"


def test_an_expired_certificate_signs_nothing(deciding: Running, certificates: Path, clock: Clock) -> None:
    result = uploaded(deciding, f"dossiers/{begin(deciding, BUSINESS)}/results", blank()).get_json()["id"]
    clock.move(days=4000)
    assert signed(deciding, certificates, result)["items"][0]["reason"] == "certificate_expired"


def curve() -> Pkcs12Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ký từ xa")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(WHEN)
        .not_valid_after(WHEN + timedelta(days=9))
        .sign(key, SHA256())
    )
    data = pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, BestAvailableEncryption(b"y"))
    return Pkcs12Signer(data, b"y")


class Remote:
    """A signing service elsewhere: it sees digests."""

    def __init__(self, real: Pkcs12Signer, wrong: bool = False) -> None:
        self.certificates = real.certificates
        self.seen: list[bytes] = []
        self._real = real
        self._wrong = wrong

    def sign(self, digest: bytes) -> bytes:
        self.seen.append(digest)
        return self._real.sign(bytes(32) if self._wrong else digest)


def test_a_remote_signer_is_sent_one_digest_and_what_is_not_its_signature_is_not_taken(tmp_path: Path) -> None:
    how = pades.Appearance(stamp(tmp_path), "Ký từ xa", "Ban hành", "Hoằng Hóa")
    remote = Remote(curve())
    pdf = pades.sign(blank(), remote, WHEN, how)
    assert [each.intact for each in verifying.signatures(pdf, [])] == [True]
    assert [len(each) for each in remote.seen] == [32]
    assert VALID in pdfsig(pdf, tmp_path)
    with pytest.raises(pades.NotSignable):
        pades.sign(blank(), Remote(curve(), wrong=True), WHEN, how)


# --- many at once -----------------------------------------------------------------------------------------------------


def drafts(of: Running, count: int) -> list[str]:
    """Uploaded, so that they need not be printed; as the database has them, since each upload takes a process."""
    first = uploaded(of, f"dossiers/{begin(of, BUSINESS)}/results", blank()).get_json()["id"]
    row = of.database["results"].find_one({"_id": first})
    assert row is not None
    others = [{**row, "_id": f"r{n}", "token": f"token-{n}"} for n in range(1, count)]
    if others:
        of.database["results"].insert_many(others)
    return [first, *(other["_id"] for other in others)]


def test_many_are_signed_at_once_and_the_progress_shows(deciding: Running, certificates: Path) -> None:
    ids = drafts(deciding, 5)
    waits = deciding.post(f"dossiers/{begin(deciding)}/results", "officer", {}).get_json()["id"]
    asked = deciding.post("results/signatures", LEADER, {"ids": [*ids, waits]}, key="one")
    assert (asked.status_code, asked.get_json()["waiting"], asked.get_json()["state"]) == (201, 6, "running")
    assert deciding.post("results/signatures", LEADER, {"ids": [*ids, waits]}, key="one").data == asked.data
    path = f"signings/{asked.get_json()['id']}"
    signer = signer_of(deciding, certificates)
    seen: list[tuple[int, int]] = []
    save = signer._saved

    def watched(loaded: Loaded[Signing], state: Signing) -> Loaded[Signing] | None:
        after = save(loaded, state)
        shown = deciding.get(path, LEADER).get_json()
        seen.append((shown["signed"], shown["waiting"]))
        return after

    signer._saved = watched  # type: ignore[method-assign]
    assert signer.once()
    assert seen[:5] == [(1, 5), (2, 4), (3, 3), (4, 2), (5, 1)]
    assert not signer.once(), "what is being printed is looked at a while later"
    print_all(deciding)
    deciding.clock.move(seconds=REST.total_seconds())
    assert signer.once()
    found = deciding.get(path, LEADER).get_json()
    assert (found["state"], found["signed"], found["waiting"], found["total"]) == ("finished", 6, 0, 6)
    assert not signer.once()


def test_a_worker_that_died_is_followed_by_another_and_nothing_is_signed_twice(
    deciding: Running, certificates: Path, clock: Clock
) -> None:
    ids = drafts(deciding, 4)
    asked = deciding.post("results/signatures", LEADER, {"ids": ids}).get_json()["id"]

    class Killed(BaseException):
        pass

    dying = signer_of(deciding, certificates)
    after_the_signature = dying._saved

    def killed(loaded: Loaded[Signing], state: Signing) -> Loaded[Signing] | None:
        if sum(item.state == "signed" for item in state.items) == 2:
            raise Killed
        return after_the_signature(loaded, state)

    dying._saved = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        dying.once()
    before = {row["_id"]: row["sha256"] for row in deciding.rows("results") if row["signature"] is not None}
    assert len(before) == 2, "the second was signed, and the request does not know it yet"
    other = signer_of(deciding, certificates)
    assert not other.once(), "it may be alive"
    clock.move(seconds=LEASE.total_seconds())
    assert other.once()
    shown = deciding.get(f"signings/{asked}", LEADER).get_json()
    assert (shown["state"], shown["signed"]) == ("finished", 4)
    rows = deciding.rows("results")
    assert {id: sha for row in rows for id, sha in [(row["_id"], row["sha256"])] if id in before} == before
    assert all([entry["act"] for entry in row["journal"]].count("signed") == 1 for row in rows)


def test_of_two_requests_at_once_each_result_gets_one_signature(deciding: Running, certificates: Path) -> None:
    ids = drafts(deciding, 3)
    asked = [deciding.post("results/signatures", LEADER, {"ids": ids}).get_json()["id"] for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: signer_of(deciding, certificates).once(), range(2))) == [True, True]
    deciding.clock.move(seconds=REST.total_seconds())
    while signer_of(deciding, certificates).once():
        pass
    shown = [deciding.get(f"signings/{id}", LEADER).get_json() for id in asked]
    assert sum(each["signed"] for each in shown) == 3
    assert [each["state"] for each in shown] == ["finished"] * 2
    rows = deciding.rows("results")
    assert all([entry["act"] for entry in row["journal"]].count("signed") == 1 for row in rows)
    for row in rows:
        pdf = store_of(deciding).contents.get(row["file"])
        assert pdf is not None
        assert len(verifying.signatures(pdf, [])) == 1


def test_a_key_that_is_away_keeps_the_rest_waiting(
    deciding: Running, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = drafts(deciding, 2)
    asked = deciding.post("results/signatures", LEADER, {"ids": ids}).get_json()["id"]
    signer = signer_of(deciding, certificates)
    with monkeypatch.context() as patched:

        def away(*_: Any) -> bytes:
            raise ConnectionRefusedError

        patched.setattr(Pkcs12Signer, "sign", away)
        assert signer.once()
    assert deciding.get(f"signings/{asked}", LEADER).get_json()["waiting"] == 2
    assert not signer.once()
    deciding.clock.move(seconds=AWAY.total_seconds())
    assert signer.once()
    assert deciding.get(f"signings/{asked}", LEADER).get_json()["signed"] == 2


def test_what_is_asked_twice_or_not_there_is_pointed_at(deciding: Running) -> None:
    (id,) = drafts(deciding, 1)
    assert pointers(deciding.post("results/signatures", LEADER, {"ids": [id, "none", id]})) == [
        ("/ids/1", "unknown_result"), ("/ids/2", "twice"),
    ]  # fmt: skip
    for wrong in ([], [id] * (results.MOST_AT_ONCE + 1)):
        assert pointers(deciding.post("results/signatures", LEADER, {"ids": wrong}))[0][0] == "/ids"
    no_scope = Persona("Chuyên viên", ("tasks.read", "tasks.work"), HERE)
    problem(deciding.post("results/signatures", no_scope, {"ids": [id]}), 403)
    asked = deciding.post("results/signatures", LEADER, {"ids": [id]}).get_json()["id"]
    problem(deciding.get(f"signings/{asked}", "officer"), 404)
    assert deciding.get(f"signings/{asked}", everything(WORKFLOW)).status_code == 200


def test_a_request_ends_when_every_item_is_settled() -> None:
    signing = Signing(
        id="s", key="agency", by=subject_of(LEADER), by_name="", agency=HERE, at=WHEN,
        items=(Item(result="a"), Item(result="b")), free_at=WHEN,
    )  # fmt: skip
    half = results.progressed(signing, Item(result="a", state="signed"), WHEN + LEASE, WHEN)
    assert (half.free_at, half.finished_at) == (WHEN + LEASE, None)
    whole = results.progressed(half, Item(result="b", state="refused", reason="not_found"), WHEN + LEASE, WHEN)
    assert (whole.free_at, whole.finished_at) == (None, WHEN)
    assert replace(whole, items=signing.items, free_at=WHEN, finished_at=None) == signing


# --- what everybody may know ------------------------------------------------------------------------------------------


def token_of(of: Running, result: str) -> str:
    url: str = of.get(f"results/{result}", "officer").get_json()["verification"]
    return url.partition("ma=")[2]


def test_the_qr_code_says_whether_a_result_counts_and_nothing_personal(
    deciding: Running, certificates: Path, clock: Clock
) -> None:
    dossier = begin(deciding)
    result = made(deciding, dossier)["id"]
    signed(deciding, certificates, result)
    path = f"results/verification/{token_of(deciding, result)}"
    problem(deciding.get(path), 404)
    ended(deciding, dossier, result)
    answer = deciding.get(path)
    found = answer.get_json()
    assert (found["valid"], found["issued_here"], found["state"]) == (True, True, "issued")
    assert [(each["signer"], each["intact"], each["trusted"]) for each in found["signatures"]] == [
        ("Ủy ban nhân dân huyện Hoằng Hóa", True, True)
    ]
    for secret in ("Nguyễn Thị Hoa", "038185001234", "Hương Quê"):
        assert secret not in json.dumps(found, ensure_ascii=False)
    assert deciding.get(f"dossiers/{dossier}/result/verification", "officer").get_json() == found
    page = deciding.request("GET", f"/ket-qua?ma={token_of(deciding, result)}")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "đang có hiệu lực" in page.text
    clock.move(hours=1)
    deciding.post(f"results/{result}/recall", LEADER, RECALL)
    recalled = deciding.get(path).get_json()
    assert (recalled["valid"], recalled["state"]) == (False, "recalled")
    assert "thu hồi" in deciding.request("GET", f"/ket-qua?ma={token_of(deciding, result)}").text
    assert RECALL["reason"] not in json.dumps(recalled, ensure_ascii=False)
    problem(deciding.get("results/verification/none"), 404)
    assert deciding.request("GET", "/ket-qua?ma=none").status_code == 404
    assert deciding.request("GET", "/ket-qua").status_code == 200


def test_a_copy_is_the_issued_one_or_it_is_not(deciding: Running, certificates: Path) -> None:
    dossier, result = issued(deciding, certificates)
    pdf = deciding.get(f"dossiers/{dossier}/result.pdf", "officer").data

    def worth(copy: bytes) -> tuple[bool, bool, list[tuple[bool, bool]]]:
        answer = uploaded(deciding, "results/verification", copy, None)
        assert answer.status_code == 200, answer.text
        found = answer.get_json()
        marks = [(each["intact"], each["trusted"]) for each in found["signatures"]]
        return found["valid"], found["issued_here"], marks

    assert worth(pdf) == (True, True, [(True, True)])
    assert worth(changed(pdf)) == (False, False, [(False, False)])
    assert worth(blank()) == (False, False, [])
    unissued = made(deciding, begin(deciding))["id"]
    signed(deciding, certificates, unissued)
    assert worth(file_of(deciding, unissued)) == (False, False, [(True, True)]), "a draft is nobody's to know of"
    problem(uploaded(deciding, "results/verification", b"no pdf", None), 422, "file_type_refused")
    deciding.post(f"results/{result}/recall", LEADER, RECALL)
    assert worth(pdf)[:2] == (False, True)


def test_a_file_that_was_changed_in_the_store_is_found_out(deciding: Running, certificates: Path) -> None:
    dossier, _ = issued(deciding, certificates)
    row = deciding.rows("results")[0]
    chunk = deciding.database["contents.chunks"].find_one({"files_id": row["file"], "n": 0})
    assert chunk is not None
    deciding.database["contents.chunks"].update_one(
        {"_id": chunk["_id"]}, {"$set": {"data": changed(bytes(chunk["data"]))}}
    )
    found = deciding.get(f"dossiers/{dossier}/result/verification", "officer").get_json()
    assert (found["valid"], found["signatures"][0]["intact"]) == (False, False)


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"], ids=["missing", "empty", "no PEM"])
def test_without_readable_certificates_nobody_is_trusted(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "trusted.pem"
    if content is not None:
        path.write_bytes(content)
    assert verifying.roots(path) == []
