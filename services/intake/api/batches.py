"""The route that files many dossiers at once: NDJSON in, NDJSON out, a line each, in order."""

from dataclasses import replace

from pydantic_core import to_json

from chassis.clock import id_from
from chassis.errors import FieldError, Invalid, Problem, Unreadable
from chassis.web import Answer, Call, Router, Upload, UploadRule, backdated, nfc, problem_body, validated
from intake.domain.dossiers import Dossier, Filing
from intake.schemas.batches import BatchLine
from intake.schemas.dossiers import Filed
from intake.usecases.batches import BatchUseCases

NDJSON = "application/x-ndjson"
MOST_LINES = 500
MOST_BYTES = 5_000_000


def add_routes(router: Router, use: BatchUseCases) -> None:
    @router.post(
        "/dossiers/batch",
        scope="dossiers.file",
        needs="key",
        answers={201: NDJSON},
        upload=UploadRule("raw", MOST_BYTES, NDJSON),
    )
    def file_batch(call: Call, upload: Upload) -> Answer:
        """Files up to 500 dossiers, each as if it came by itself.

        A line of the body is what `POST …/dossiers` takes, with `occurred_at` besides (an RFC 3339 time, for callers
        with the scope `backdate`). A line of the answer is `{"line", "status": 201, "dossier"}` with what a single
        filing answers, or `{"line", "status", "problem"}`. A bad line spoils only itself. The answer to a repeated
        batch is the first answer, byte for byte; lines with status 503 are tried again instead.
        """
        if (first := use.first_answer(call)) is not None:
            return _answer(first)
        data = upload.file.read()
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        if not 1 <= len(lines) <= MOST_LINES:
            wrong = FieldError("", "lines", f"1 to {MOST_LINES} lines")
            raise Invalid(f"a batch has 1 to {MOST_LINES} lines, this one has {len(lines)}", errors=[wrong])
        outcomes = use.file([_read(call, number, line) for number, line in enumerate(lines, 1)], _render)
        answer = "".join(f"{_line(number, outcome)}\n" for number, outcome in enumerate(outcomes, 1))
        return _answer(use.keep(call, answer, outcomes))


def _read(call: Call, number: int, line: bytes) -> tuple[Call, Filing] | Problem:
    """A line as a call of its own, whose key is the batch's with the line's number: no header can say such a key."""
    try:
        if not line.strip():
            raise Unreadable("the line is empty")
        text = nfc(line)
        body = validated(BatchLine, text)
        at = call.occurred_at if body.occurred_at is None else backdated(body.occurred_at, call.principal, call.now)
    except Problem as problem:
        return problem
    own = replace(call, key=f"{call.key}\n{number}", occurred_at=at, body_hash=id_from("batch line", text))
    return own, body.filing()


def _render(dossier: Dossier, version: int) -> Answer:
    return Answer(Filed.of(dossier, version), 201, version)


def _line(number: int, outcome: Answer | Problem) -> str:
    if isinstance(outcome, Problem):
        return to_json({"line": number, "status": outcome.status, "problem": problem_body(outcome)}).decode()
    text = outcome.text()
    dossier = text if isinstance(text, str) else text.decode()
    return f'{{"line":{number},"status":{outcome.status},"dossier":{dossier}}}'


def _answer(text: str) -> Answer:
    return Answer(text, 201, media_type=NDJSON)
