"""Asking for a paper about a dossier. It is printed by the worker; whoever asks early asks again a second later."""

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from chassis import worktime
from chassis.errors import FieldError, Invalid, NotFound, Unavailable
from chassis.printed import Printed
from chassis.web import Call
from intake.domain import papers
from intake.domain.dossiers import Dossier
from intake.domain.papers import Kind
from intake.domain.payments import payment_of
from intake.inbound import Agency
from intake.queries.dossiers import DossierQueries
from intake.store import IntakeStore
from intake.usecases.access import acts_for

Asked = tuple[Printed[Kind], bytes | None]
"""A paper, and its PDF once it is printed."""
REGISTER_DAYS = 31
REGISTER_ROWS = 5_000


class PaperUseCases:
    def __init__(self, store: IntakeStore, queries: DossierQueries, public_url: str) -> None:
        self._store = store
        self._queries = queries
        self._public_url = public_url.rstrip("/")

    def of_dossier(self, call: Call, id: str, kind: Kind) -> Asked:
        """The paper of a dossier that the caller may see. Raises NotFound, NothingToPrint, PaperFailed."""
        dossier = self._queries.dossier(call.principal, id).state
        agency = self._agency(dossier.dimensions.agency, worktime.local_day(dossier.filed_at))
        return self._asked(call, self._paper(dossier, agency, kind))

    def of_payment(self, call: Call, id: str, payment: str) -> Asked:
        """The receipt of a payment, for who may see the dossier. Raises NotFound, PaperFailed."""
        dossier = self._queries.dossier(call.principal, id).state
        agency = self._agency(dossier.dimensions.agency, worktime.local_day(dossier.filed_at))
        return self._asked(call, papers.payment(dossier, agency, payment_of(dossier, payment)))

    def register(self, call: Call, agency: str, first: date, last: date) -> Asked:
        """Form 07 of what an agency received on those days, both included. Raises Invalid, NotFound, PaperFailed."""
        if self._store.catalogue.agency(agency, last) is None:
            raise NotFound(f"no register of {agency} for you")
        # The registers of an agency that has ended are with who took over from it.
        keeper = self._store.catalogue.successions().acting(agency, worktime.local_day(call.now))
        if not acts_for(call.principal, keeper):
            raise NotFound(f"no register of {agency} for you")
        if not timedelta(0) <= last - first < timedelta(days=REGISTER_DAYS):
            wrong = FieldError("/to", "period", f"from the first day on, {REGISTER_DAYS} days at most")
            raise Invalid("the register is of a month at most", errors=[wrong])
        begin, end = (
            datetime.combine(day, time(), worktime.ZONE).astimezone(UTC) for day in (first, last + timedelta(days=1))
        )
        rows = self._store.dossiers.received(agency, begin, end, REGISTER_ROWS + 1)
        if len(rows) > REGISTER_ROWS:
            wrong = FieldError("/from", "too_many", f"more than {REGISTER_ROWS} dossiers: ask for fewer days")
            raise Invalid("the register would be too long", errors=[wrong])
        return self._asked(call, papers.register(self._agency(agency, last), first, last, rows))

    def _paper(self, dossier: Dossier, agency: Agency, kind: Kind) -> Printed[Kind]:
        if kind == "refusal":
            return papers.refusal(dossier, agency)
        if kind == "handover":
            return papers.handover(dossier, agency)
        procedure = self._store.catalogue.version(dossier.dimensions.procedure, dossier.dimensions.procedure_version)
        if procedure is None:
            raise Unavailable("the catalogue's copy is not complete; ask catalog to republish", retry_after=30)
        if kind == "supplement_request":
            asked = dossier.supplements[-1] if dossier.supplements else None
            if asked is not None and asked.agency is not None:
                # One that works on the dossier asks itself; what the copy does not know yet, the receiving one prints.
                day = worktime.local_day(asked.asked_at)
                agency = self._store.catalogue.agency(asked.agency, day) or agency
            return papers.supplement_request(dossier, procedure, agency)
        where = urlencode({"ma": dossier.code or dossier.id, "khoa": dossier.secret})
        return papers.receipt(dossier, procedure, agency, f"{self._public_url}/tra-cuu?{where}")

    def _agency(self, id: str, day: date) -> Agency:
        agency = self._store.catalogue.agency(id, day)
        if agency is None:
            raise Unavailable("the catalogue's copy is not complete; ask catalog to republish", retry_after=30)
        return agency

    def _asked(self, call: Call, paper: Printed[Kind]) -> Asked:
        return paper, self._store.papers.ask(paper, call.now)
