"""What a worker's timers do for results: printing, signing, and sweeping what was left over.

A worker that dies leaves what it was about to another, which begins with what is not done. A result is written only as
long as nobody else changed it, so that of two workers one's work is thrown away: nothing is printed or signed twice in
effect.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from chassis import logs
from chassis.clock import Clock
from chassis.printing import Printer
from chassis.store import UNAVAILABLE, Change, Loaded
from chassis.worktime import ZONE
from workflow.domain import results
from workflow.domain.parts import By
from workflow.domain.processes import SYSTEM
from workflow.domain.results import Item, Result, Signed, Signing
from workflow.signing.keys import Holder, KeyFolder, KeyUnusable, Signer
from workflow.store import WorkflowStore

log = logs.get()
TEMPLATES = Path(__file__).with_name("templates") / "results"
LEASE = timedelta(seconds=60)
"""After this long without a sign of life, another worker takes over."""
REST = timedelta(seconds=2)
"""A request of which the rest cannot be done now is looked at again after this."""
AWAY = timedelta(seconds=30)
"""As long as a key that cannot be reached is left alone."""
AT_ONCE = 50
"""Results that are signed before the worker looks whether it is to end."""
LEFT_OVER = timedelta(days=1)
SWEPT_AT_ONCE = 200
SECONDS = 10


def verification_url(public_url: str, token: str) -> str:
    """The public page that says what a result is worth."""
    return f"{public_url.rstrip('/')}/ket-qua?ma={token}"


class ResultPrinter:
    def __init__(self, store: WorkflowStore, clock: Clock, printer: Printer | None = None) -> None:
        self._store = store
        self._clock = clock
        self._printer = printer or Printer(TEMPLATES, {})

    def once(self) -> bool:
        """Prints the result that waits longest; True when there was one."""
        now = self._clock()
        loaded = self._store.results.take(now, now + LEASE)
        if loaded is None:
            return False
        by = By(SYSTEM, "", now, now)
        try:
            pdf = self._printer.pdf("result", dict(loaded.state.content or {}))
        except Exception as error:
            # Whatever a template or the printer stumbles over must not stop the worker.
            log.error("result_not_printed", result=loaded.id, tries=loaded.state.tries, exc_info=error)
            after = results.print_failed(loaded.state, now, by)
        else:
            content = self._store.contents.put(pdf, now)
            after = results.printed(loaded.state, content, hashlib.sha256(pdf).hexdigest(), len(pdf), by)
        self._store.results.save([Change(loaded, after, (), now)])
        return True


class ResultSigner:
    """`keys`: who can sign. `tsa_url`: a time stamp authority (RFC 3161), None: no time stamps."""

    def __init__(
        self, store: WorkflowStore, clock: Clock, keys: KeyFolder, public_url: str, tsa_url: str | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._public_url = public_url
        self._tsa_url = tsa_url
        self._printer = Printer(TEMPLATES, {})
        self._opened: dict[str, Signer | None] = {}

    def once(self) -> bool:
        """Goes on with the request that waits longest; True when there was one."""
        now = self._clock()
        loaded = self._store.signings.take(now, now + LEASE)
        if loaded is None:
            return False
        rest = REST
        # Opening a key takes as long as signing with it.
        self._opened.clear()
        waiting = [item for item in loaded.state.items if item.state == "waiting"]
        for item in waiting[:AT_ONCE]:
            try:
                done = self._signed(loaded.state, item)
            except OSError as error:
                log.warning("signing_key_away", signing=loaded.id, reason=type(error).__name__)
                rest = AWAY
                break
            if done.state == "waiting":
                continue
            going_on = self._saved(loaded, results.progressed(loaded.state, done, self._clock() + LEASE, self._clock()))
            if going_on is None:
                return True
            loaded = going_on
        if loaded.state.free_at is not None:
            left = any(item.state == "waiting" for item in waiting[AT_ONCE:])
            self._saved(loaded, replace(loaded.state, free_at=self._clock() + (timedelta(0) if left else rest)))
        return True

    def _saved(self, loaded: Loaded[Signing], state: Signing) -> Loaded[Signing] | None:
        """The request as it is now; None when another worker has taken over."""
        if not self._store.signings.save([Change(loaded, state, (), self._clock())])[0]:
            return None
        return replace(loaded, version=loaded.version + 1, state=state)

    def _signed(self, signing: Signing, item: Item) -> Item:
        """The item, signed or refused; waiting still, when its result is being printed. Raises OSError when the key
        cannot be reached now."""
        loaded = self._store.results.load(item.result)
        if loaded is None:
            return replace(item, state="refused", reason="not_found")
        result = loaded.state
        if result.signature is not None:
            mine = result.signature.signing == signing.id
            return replace(item, state="signed") if mine else replace(item, state="refused", reason="already_signed")
        if result.printing == "waiting":
            return item
        data = None if result.file is None else self._store.contents.get(result.file)
        if data is None:
            return replace(item, state="refused", reason="not_printed")
        name = signing.by if signing.key == "officer" else signing.agency or result.agency
        try:
            if name not in self._opened:
                self._opened[name] = self._keys.signer(signing.key, name)
            signer = self._opened[name]
        except KeyUnusable:
            return replace(item, state="refused", reason="certificate_unusable")
        if signer is None:
            return replace(item, state="refused", reason="no_certificate")
        at = self._clock().replace(microsecond=0)
        holder = Holder.of(signer)
        if not holder.since <= at <= holder.until:
            return replace(item, state="refused", reason="certificate_expired")
        try:
            pdf = self._with_signature(data, signer, holder, signing, result, at)
        except OSError:
            raise
        except UNAVAILABLE:
            raise
        except Exception as error:
            # A PDF from anywhere may make the library stumble in any way; the others must be signed all the same.
            log.warning("result_not_signable", result=result.id, reason=type(error).__name__)
            return replace(item, state="refused", reason="not_signable")
        signature = Signed(
            by=signing.by,
            name=holder.name,
            key=signing.key,
            at=at,
            signing=signing.id,
            draft_sha256=hashlib.sha256(data).hexdigest(),
        )
        content = self._store.contents.put(pdf, at)
        by = By(signing.by, signing.by_name, at, at)
        after = results.signed(result, content, hashlib.sha256(pdf).hexdigest(), len(pdf), signature, by)
        if not self._store.results.save([Change(loaded, after, (), at)])[0]:
            # Somebody was faster: what became of the result is seen the next time.
            self._store.contents.delete([content])
            return item
        return replace(item, state="signed")

    def _with_signature(
        self, pdf: bytes, signer: Signer, holder: Holder, signing: Signing, result: Result, at: datetime
    ) -> bytes:
        # pyHanko takes most of a second to load, which only a worker that signs needs.
        from pyhanko.sign.timestamps import HTTPTimeStamper  # noqa: PLC0415

        from workflow.signing import pades  # noqa: PLC0415

        where = self._store.catalogue.agency(signing.agency or result.agency)
        agency = result.agency_name if where is None else where.name
        stamp = self._printer.pdf(
            "stamp",
            {
                "name": holder.name,
                "officer": holder.name if signing.key == "officer" else None,
                "agency": agency,
                "time": f"{at.astimezone(ZONE):%d/%m/%Y %H:%M:%S} +07:00",
                "url": verification_url(self._public_url, result.token),
            },
        )
        with TemporaryDirectory() as folder:
            path = Path(folder) / "stamp.pdf"
            path.write_bytes(stamp)
            appearance = pades.Appearance(stamp=path, name=holder.name, reason=result.name, location=agency)
            timestamper = None if self._tsa_url is None else HTTPTimeStamper(self._tsa_url, timeout=SECONDS)
            return pades.sign(pdf, signer, at, appearance, timestamper)


class ContentSweeper:
    def __init__(self, store: WorkflowStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def once(self) -> bool:
        """Deletes a batch of what a request or a worker left that died before its result named it, and the drafts of
        what was signed."""
        return self._store.contents.sweep(self._clock() - LEFT_OVER, self._store.results.naming, SWEPT_AT_ONCE)
