"""The routes about files and uploads."""

from urllib.parse import quote

from chassis.errors import NotFound, TooLarge, Unavailable, UnsupportedMediaType, WrongState
from chassis.web import Answer, Call, Router, Upload, UploadRule
from intake.domain import files
from intake.domain.files import CHUNK_SIZE, MEDIA_TYPES, StoredFile
from intake.queries.files import FileQueries
from intake.schemas import files as schemas
from intake.usecases.files import FileUseCases


def _kept(file: StoredFile, version: int) -> Answer:
    return Answer(schemas.FileView.of(file), 201, version, {"Location": f"/api/intake/v1/files/{file.id}"})


def headers(file: StoredFile) -> dict[str, str]:
    """What a file is served with: to be saved and not shown within the site, whatever is in it (RFC 6266, RFC 5987)."""
    plain = file.name.encode("ascii", "replace").decode().replace("?", "_")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Length": str(file.size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-store",
    }


def add_routes(router: Router, use: FileUseCases, queries: FileQueries) -> None:
    _files(router, use, queries)
    _uploads(router, use, queries)


def _files(router: Router, use: FileUseCases, queries: FileQueries) -> None:
    @router.post(
        "/files",
        scope="dossiers.file",
        needs="key",
        upload=UploadRule("multipart", use.rules.most_bytes),
        answers={201: schemas.FileView},
        raises=[WrongState],
    )
    def add_file(call: Call, upload: Upload) -> Answer:
        """Keeps a file for a dossier that is being filled in.

        PDF, JPEG, PNG, WEBP, DOCX or XLSX, told by its content; images are encoded anew. A dossier, a draft or a
        document must name it within 48 hours.
        """
        return use.add(call, upload, _kept)

    @router.get(
        "/files/<id>", scope="dossiers.read", answers={200: tuple(MEDIA_TYPES)}, raises=[NotFound, files.FileNotClean]
    )
    def download_file(call: Call, id: str) -> Answer:
        """A file's content, when it is clean.

        For who uploaded it and whoever sees a dossier that names it. `file_not_clean` until the virus scanner has found
        nothing in it.
        """
        file, content = queries.content(call.principal, id)
        return Answer(stream=content, headers=headers(file), media_type=file.media_type)

    @router.get("/files/<id>/state", scope="dossiers.read", answers={200: schemas.FileState}, raises=[NotFound])
    def show_file_state(call: Call, id: str) -> Answer:
        """What is known of a file, and whether the virus scanner has seen it."""
        return Answer(schemas.FileState.of(queries.file(call.principal, id)))


def _uploads(router: Router, use: FileUseCases, queries: FileQueries) -> None:
    @router.post(
        "/uploads", scope="dossiers.file", needs="key", answers={201: schemas.UploadView}, raises=[WrongState, TooLarge]
    )
    def begin_upload(call: Call, body: schemas.UploadBody) -> Answer:
        """Announces a large file that is sent in chunks, in any order, for 48 hours."""
        return use.begin(
            call,
            body.name,
            body.size,
            body.sha256,
            lambda upload, version: Answer(schemas.UploadView.of(upload, ()), 201, version),
        )

    @router.put(
        "/uploads/<id>/chunks/<int:n>",
        scope="dossiers.file",
        upload=UploadRule("raw", CHUNK_SIZE),
        answers={200: schemas.ChunkView},
        raises=[NotFound, WrongState],
    )
    def put_chunk(call: Call, id: str, n: int, upload: Upload) -> Answer:
        """Sends a chunk of an upload; sent again it changes nothing."""
        use.put_chunk(call, id, n, upload)
        return Answer(schemas.ChunkView(n=n, size=upload.size, sha256=upload.sha256))

    @router.get("/uploads/<id>", scope="dossiers.file", answers={200: schemas.UploadView}, raises=[NotFound])
    def show_upload(call: Call, id: str) -> Answer:
        """Which chunks of an upload are there."""
        upload = use.upload(call.principal, id, call)
        return Answer(schemas.UploadView.of(upload, queries.received(upload)))

    @router.post(
        "/uploads/<id>/completion",
        scope="dossiers.file",
        needs="key",
        answers={201: schemas.FileView},
        raises=[NotFound, WrongState, UnsupportedMediaType, Unavailable],
    )
    def complete_upload(call: Call, id: str, body: schemas.CompletionBody) -> Answer:
        """Makes the file of an upload's chunks, as if it had been sent at once."""
        return use.complete(call, id, _kept)
