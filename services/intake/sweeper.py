"""The worker's timer that takes away files that nothing names, contents that never became a file, and uploads that were
never completed.
"""

from datetime import timedelta

from chassis import logs, metrics
from chassis.clock import Clock
from intake.domain.files import KEPT_UNUSED
from intake.store.files import Files, Uploads

log = logs.get()
EVERY_SECONDS = 600.0
BATCH = 200
LOOK_AGAIN = timedelta(days=7)
"""What a draft names is kept, and looked at again after this: drafts end."""


class Sweeper:
    """Two at once do the same as one: a file is taken away by an update that only one of them wins."""

    def __init__(self, files: Files, uploads: Uploads, clock: Clock) -> None:
        self._files = files
        self._uploads = uploads
        self._clock = clock

    def once(self) -> bool:
        """One batch; True when there may be more."""
        now = self._clock()
        unused = self._files.unused(now, BATCH)
        named = self._files.named([file.id for file in unused])
        swept = 0
        for file in unused:
            if file.id in named:
                self._files.keep(file.id, None if named[file.id] else now + LOOK_AGAIN)
            else:
                swept += self._files.sweep(file, now)
        contents, more = self._files.sweep_contents(now - KEPT_UNUSED, BATCH)
        uploads = self._uploads.sweep(now)
        for what, count in (("file", swept), ("content", contents), ("upload", uploads)):
            metrics.SWEPT.labels(what).inc(count)
        if swept or contents or uploads:
            log.info("files_swept", files=swept, contents=contents, uploads=uploads)
        return more or len(unused) == BATCH
