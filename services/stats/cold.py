"""The cold export: the archive's events as files that outlive the archive, and a manifest that vouches for them.

A folder holds `manifest.json` and one file a month of days on which events became known, or part of a month:
`events-2024-08-01--2024-08-31.ndjson.gz`, gzip over one JSON object a line. Each is a CloudEvent (1.0, structured mode)
as stats archived it, without what identifies a person, with the extension attribute `known` (the local day on which
stats came to know it). The manifest tells of each file its days, its events, its size and the SHA-256 of its bytes; a
file is what it was when all of that is so.

Files are made under another name, written to the disk, and only then put into their place, and so is the manifest; so
whoever dies half-way leaves the export before.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from chassis.worktime import local_day

MANIFEST = "manifest.json"
_LEVEL = 6


class ExportInvalid(Exception):  # noqa: N818 (what it is, not an error of ours)
    """A manifest or a file is not what an export promises; the text says which and why."""


class ExportedFile(BaseModel):
    """Events that became known from the day `since` on and before the day `before`."""

    model_config = ConfigDict(frozen=True)

    name: str
    since: date
    before: date
    events: int
    bytes: int
    sha256: str


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True)

    format: int = 1
    files: tuple[ExportedFile, ...] = ()

    @property
    def since(self) -> date | None:
        return self.files[0].since if self.files else None

    @property
    def before(self) -> date | None:
        """What became known before that day is here."""
        return self.files[-1].before if self.files else None


class Export:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def manifest(self) -> Manifest:
        """Without files when there is none. ExportInvalid when it cannot be read, or its days have gaps."""
        path = self._folder / MANIFEST
        if not path.exists():
            return Manifest()
        try:
            found = Manifest.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ExportInvalid(f"{path}: {type(error).__name__}") from None
        if found.format != 1:
            raise ExportInvalid(f"{path}: format {found.format} is not known here")
        for earlier, later in zip(found.files, found.files[1:], strict=False):
            if earlier.before != later.since:
                raise ExportInvalid(f"{path}: nothing between {earlier.name} and {later.name}")
        return found

    def add(self, documents: Iterable[Mapping[str, Any]], since: date, before: date) -> ExportedFile:
        """Writes one file more, of archived events in the order of their days. It follows the last one."""
        manifest = self.manifest()
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"events-{since}--{before - timedelta(days=1)}.ndjson.gz"
        events, path = 0, self._folder / name
        draft = path.with_suffix(".part")
        with draft.open("wb") as raw:
            # Without the moment and the name, so that the same events make the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=_LEVEL, mtime=0) as packed:
                for document in documents:
                    packed.write(_line(document))
                    events += 1
            raw.flush()
            os.fsync(raw.fileno())
        made = ExportedFile(
            name=name, since=since, before=before, events=events, bytes=draft.stat().st_size, sha256=_sha256(draft)
        )
        draft.replace(path)
        self._keep(Manifest(files=(*manifest.files, made)))
        return made

    def verify(self, manifest: Manifest) -> None:
        """ExportInvalid unless every file is what the manifest says."""
        for file in manifest.files:
            path = self._folder / file.name
            if Path(file.name).name != file.name or not path.is_file():
                raise ExportInvalid(f"{path}: is not there")
            if path.stat().st_size != file.bytes or _sha256(path) != file.sha256:
                raise ExportInvalid(f"{path}: is not what was exported (SHA-256)")
            found = sum(1 for _ in self._lines(file))
            if found != file.events:
                raise ExportInvalid(f"{path}: {found} events, not {file.events}")

    def events(self, manifest: Manifest) -> Iterator[dict[str, Any]]:
        """Every event, by the days on which they became known."""
        for file in manifest.files:
            for line in self._lines(file):
                yield json.loads(line)

    def _lines(self, file: ExportedFile) -> Iterator[bytes]:
        with gzip.open(self._folder / file.name, "rb") as lines:
            yield from lines

    def _keep(self, manifest: Manifest) -> None:
        draft = self._folder / f"{MANIFEST}.part"
        with draft.open("w", encoding="utf-8") as raw:
            raw.write(manifest.model_dump_json(indent=1) + "\n")
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(self._folder / MANIFEST)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _line(document: Mapping[str, Any]) -> bytes:
    event = {
        "specversion": "1.0",
        "id": document["_id"],
        **{name: document[name] for name in ("source", "type", "subject")},
        "time": document["time"].isoformat(),
        "datacontenttype": "application/json",
        "sequence": document["sequence"],
        **({"traceparent": document["traceparent"]} if "traceparent" in document else {}),
        "known": document.get("known") or local_day(document["time"]).isoformat(),
        "data": document["data"],
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
