"""Pre-filling from the population database: who may look whom up, and that each look-up is on record."""

import hashlib
import hmac
from dataclasses import dataclass

from chassis import worktime
from chassis.auth import Principal
from chassis.clock import new_id
from chassis.errors import FieldError, Forbidden, Invalid, NotFound
from chassis.web import Call
from intake.domain import population as domain
from intake.domain.population import Filled, State
from intake.inbound import Procedure
from intake.population import Asked, Population
from intake.store import IntakeStore
from intake.store.population import ASKED, Lookup
from intake.usecases.access import RECEIVE, sees
from intake.usecases.drafts import mine


class NotYourIdentity(Forbidden):
    code = "not_your_identity"
    title = "Chỉ được tra cứu thông tin của chính mình bằng tài khoản đã định danh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whom to look up, and for what: at most one of `procedure`, `dossier` and `draft`."""

    asked: Asked
    purpose: str | None = None
    procedure: str | None = None
    dossier: str | None = None
    draft: str | None = None


class PrefillUseCases:
    """`log_key`: what identity numbers are hashed with; None while the platform is not connected."""

    def __init__(self, store: IntakeStore, population: Population, log_key: str | None) -> None:
        self._store = store
        self._population = population
        self._log_key = (log_key or "").encode()

    def prefill(self, call: Call, wish: Wish) -> tuple[State, Filled]:
        """What the population database gives for a filing, and what is to be typed in.

        People look up themselves; officers of a one-stop unit anybody, for a dossier, a draft or a procedure and with
        a purpose. Raises NotYourIdentity, Forbidden, Invalid and NotFound; whatever is wrong with the platform is a
        state.
        """
        procedure = self._needed_for(call, wish)
        _allow(call.principal, wish)
        if not self._population.configured:
            return State.NOT_CONFIGURED, domain.fill(procedure, {})
        lookup = Lookup(
            id=new_id(),
            at=call.now,
            who=call.principal.subject,
            agency=call.principal.agency,
            person=self.hashed(wish.asked.identity),
            purpose=wish.purpose,
            procedure=procedure.code if procedure else None,
            dossier=wish.dossier,
            draft=wish.draft,
            state=ASKED,
        )
        # On record before anybody is asked: no look-up is forgotten, whatever is killed.
        self._store.population_lookups.add(lookup)
        state, person = self._population.look_up(wish.asked, lookup.id, call.principal.agency)
        self._store.population_lookups.note(lookup.id, state.value)
        return state, domain.fill(procedure, person)

    def hashed(self, identity: str) -> str:
        """How a person is named in the log."""
        return hmac.new(self._log_key, identity.encode(), hashlib.sha256).hexdigest()

    def _needed_for(self, call: Call, wish: Wish) -> Procedure | None:
        """The procedure version that the data is for, None when none is named."""
        if wish.dossier is not None:
            loaded = self._store.dossiers.load(wish.dossier)
            if loaded is None or not sees(call.principal, loaded.state):
                raise NotFound("no such dossier for you")
            dimensions = loaded.state.dimensions
            return self._store.catalogue.version(dimensions.procedure, dimensions.procedure_version)
        code = wish.procedure
        if wish.draft is not None:
            code = mine(call.principal, self._store.drafts.load(wish.draft), call).state.procedure
        if code is None:
            return None
        procedure = self._store.catalogue.in_force(code, worktime.local_day(call.now))
        if procedure is None:
            unknown = FieldError("/procedure", "unknown_procedure", "no such procedure is in force on that day")
            raise Invalid("the procedure is not known", errors=[unknown])
        return procedure


def _allow(principal: Principal, wish: Wish) -> None:
    if principal.agency is None:
        if principal.identity is None or principal.identity != wish.asked.identity:
            raise NotYourIdentity("the token must vouch for the identity that is looked up")
        return
    principal.require(RECEIVE)
    wrong = []
    if wish.purpose is None:
        wrong.append(FieldError("/purpose", "missing", "an officer says why"))
    if wish.dossier is None and wish.draft is None and wish.procedure is None:
        wrong.append(FieldError("/dossier", "missing", "an officer says for which dossier, draft or procedure"))
    if wrong:
        raise Invalid("an officer's look-up says what it is for", errors=wrong)
