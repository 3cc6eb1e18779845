"""What can be asked about files."""

from collections.abc import Iterator, Sequence

from chassis import logs
from chassis.auth import Principal
from chassis.errors import NotFound
from intake.domain.documents import owner_of
from intake.domain.files import FileNotClean, StoredFile, Upload, servable
from intake.store import IntakeStore
from intake.usecases.access import ANY_AGENCY, READ_ALL

log = logs.get()


class FileQueries:
    """`scanner`: there is one, so nobody is served what it did not find clean."""

    def __init__(self, store: IntakeStore, *, scanner: bool) -> None:
        self._store = store
        self._scanner = scanner

    def file(self, principal: Principal, id: str) -> StoredFile:
        """The file, or NotFound, also when it is not the caller's to see: it is whose who uploaded it, of those who may
        see a dossier that names it, and of the person whose document it is.
        """
        file = self._store.files.get(id)
        if file is None or not self._sees(principal, file):
            raise NotFound(f"no file {id} for you")
        return file

    def content(self, principal: Principal, id: str) -> tuple[StoredFile, Iterator[bytes]]:
        """The file and its bytes. Raises NotFound, FileNotClean."""
        file = self.file(principal, id)
        if not servable(file, scanner=self._scanner):
            raise FileNotClean(f"the file is {file.scan}")
        content = self._store.files.contents.open(file.content)
        if content is None:
            log.error("content_missing", file=id)
            raise NotFound(f"the content of {id} is missing")
        return file, content

    def received(self, upload: Upload) -> Sequence[int]:
        """Which chunks of an upload are there."""
        return range(upload.chunks) if upload.file is not None else self._store.uploads.chunks(upload.id)

    def _sees(self, principal: Principal, file: StoredFile) -> bool:
        if file.owner == principal.subject or principal.may(ANY_AGENCY) or principal.may(READ_ALL):
            return True
        if principal.agency is None:
            identity = principal.identity
            own = identity is not None and self._store.files.in_document(file.id, owner_of(identity))
            return own or self._store.files.in_dossier(file.id, {"owner": principal.subject})
        if file.agency == principal.agency:
            return True
        return self._store.files.in_dossier(file.id, {"agencies": principal.agency})
