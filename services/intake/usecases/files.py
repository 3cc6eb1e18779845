"""What can be done with files: adding one at once, or a large one in chunks. What names them is not told here."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from chassis import acts, web
from chassis.auth import Principal
from chassis.clock import id_from
from chassis.errors import FieldError, Invalid, KeyReused, NotFound
from chassis.web import Answer, Call
from intake.domain.files import (
    CHUNK_SIZE,
    KEPT_UNUSED,
    UPLOAD_EXPIRES,
    FileTooLarge,
    HashMismatch,
    QuotaReached,
    Scan,
    StoredFile,
    Upload,
    UploadCompleted,
    UploadIncomplete,
    safe_name,
)  # fmt: skip
from intake.inspection.run import Inspector
from intake.store import IntakeStore

MOST_UNUSED = 1_000
"""Files that somebody without an agency may have uploaded and not named yet."""

RenderFile = Callable[[StoredFile, int], Answer]
RenderUpload = Callable[[Upload, int], Answer]


@dataclass(frozen=True, slots=True)
class FileRules:
    """`quota`: bytes that somebody without an agency may have uploaded and not named yet. `scanner`: there is one."""

    most_bytes: int
    quota: int
    scanner: bool


class FileUseCases:
    def __init__(self, store: IntakeStore, inspector: Inspector, rules: FileRules) -> None:
        self._store = store
        self._inspector = inspector
        self.rules = rules

    def add(self, call: Call, sent: web.Upload, render: RenderFile) -> Answer:
        """Keeps a file. Raises one of `intake.domain.files.REFUSALS`, QuotaReached, Busy."""
        id = call.id_for_new("file")
        if (first := acts.first_answer(self._store.files.load(id), call)) is not None:
            return first
        self._check_quota(call, sent.size)
        return self._keep(call, id, sent.name, sent.file, sent.size, sent.sha256, render)

    def begin(self, call: Call, name: str, size: int, sha256: str | None, render: RenderUpload) -> Answer:
        """Announces a file that comes in chunks. Raises FileTooLarge, QuotaReached."""
        if size > self.rules.most_bytes:
            raise FileTooLarge(f"a file has {self.rules.most_bytes} bytes at most")
        id = call.id_for_new("upload")
        if (first := acts.first_answer(self._store.uploads.load(id), call)) is not None:
            return first
        self._check_quota(call, size)
        upload = Upload(
            id=id,
            owner=call.principal.subject,
            agency=call.principal.agency,
            name=name,
            size=size,
            sha256=sha256,
            chunk_size=CHUNK_SIZE,
            expires_at=call.now + UPLOAD_EXPIRES,
        )
        return acts.create(self._store.uploads, id, upload, (), call, render)

    def put_chunk(self, call: Call, id: str, n: int, sent: web.Upload) -> None:
        """Keeps a chunk; the same one again changes nothing. Raises NotFound, UploadCompleted, Invalid."""
        upload = self.upload(call.principal, id, call)
        if upload.file is not None:
            raise UploadCompleted(f"it is the file {upload.file}")
        try:
            wanted = upload.size_of(n)
        except ValueError:
            raise NotFound(f"the upload has {upload.chunks} chunks, the first one is 0") from None
        if sent.size != wanted:
            wrong = FieldError("", "chunk_size", f"this chunk has {wanted} bytes")
            raise Invalid(f"chunk {n} must have {wanted} bytes", code="chunk_size", errors=[wrong])
        self._store.uploads.put_chunk(upload, n, sent.file.read())

    def complete(self, call: Call, id: str, render: RenderFile) -> Answer:
        """Makes the file of its chunks. Raises what `add` does, NotFound, UploadIncomplete, UploadCompleted,
        HashMismatch.
        """
        upload = self.upload(call.principal, id, call)
        # The upload's own identifier, so that it becomes one file, whatever keys its completion is sent with.
        file = id_from("file of upload", id)
        there = self._store.files.load(file)
        if there is not None and not any(answer.key == acts.key_of(call) for answer in there.answers):
            raise UploadCompleted(f"it is the file {file}")
        if (first := acts.first_answer(there, call)) is not None:
            return first
        missing = sorted({*range(upload.chunks)} - {*self._store.uploads.chunks(id)})
        if missing:
            raise UploadIncomplete(f"of {upload.chunks} chunks are missing: {', '.join(map(str, missing[:50]))}")
        with tempfile.TemporaryFile() as whole:
            sha256 = self._store.uploads.assemble(upload, whole)
            if upload.sha256 not in (None, sha256) or whole.tell() != upload.size:
                raise HashMismatch("the chunks together have another SHA-256 than was announced")
            answer = self._keep(call, file, upload.name, whole, upload.size, sha256, render)
        self._store.uploads.completed(upload, file)
        return answer

    def upload(self, principal: Principal, id: str, call: Call) -> Upload:
        """Somebody's own upload, or NotFound."""
        loaded = self._store.uploads.load(id)
        if loaded is None or loaded.state.owner != principal.subject or loaded.state.expires_at <= call.now:
            raise NotFound(f"no upload {id} for you")
        return loaded.state

    def _keep(
        self, call: Call, id: str, name: str, file: IO[bytes], size: int, sha256: str, render: RenderFile
    ) -> Answer:
        """The content first, then the record that makes it a file; what is left when that fails is swept later."""
        files = self._store.files
        with self._inspector.inspected(file, size, sha256) as found:
            content = files.contents.put(found.content, call.now)
        stored = StoredFile(
            id=id,
            owner=call.principal.subject,
            agency=call.principal.agency,
            name=safe_name(name, found.media_type),
            media_type=found.media_type,
            size=found.size,
            sha256=found.sha256,
            pages=found.pages,
            content=content,
            scan=Scan.PENDING if self.rules.scanner else Scan.UNSCANNED,
            uploaded_at=call.now,
            keep_until=call.now + KEPT_UNUSED,
        )
        try:
            answer = acts.create(files, id, stored, (), call, render)
        except KeyReused:
            files.contents.delete([content])
            raise
        there = files.get(id)
        if there is not None and there.content != content:
            # The same request came twice at the same moment, and the other one's content is the file's.
            files.contents.delete([content])
        return answer

    def _check_quota(self, call: Call, size: int) -> None:
        principal = call.principal
        if principal.agency is not None or principal.kind != "person":
            return
        count, waiting = self._store.files.waiting_bytes(principal.subject, MOST_UNUSED)
        waiting += self._store.uploads.open_bytes(principal.subject, call.now, MOST_UNUSED)
        if count >= MOST_UNUSED or waiting + size > self.rules.quota:
            raise QuotaReached("use the files that you uploaded in a dossier, or wait until they are swept")
