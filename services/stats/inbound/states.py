"""What intake answers about its dossiers, for the recount."""

from dataclasses import dataclass

from pydantic import AwareDatetime

from stats.domain.facts import Channel, PauseKind, ServiceLevel, Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A dossier as intake itself knows it, for the recount. `paused`: what it waits for while the clock stands still,
    since `paused_since`. `supplements_asked`: when, after the reception. `reused`: somebody chose a component from the
    electronic store. `paid_at`: the first payment that stands; `paid_online`: all that stand were made online."""

    procedure: str
    service_level: ServiceLevel
    agency: str
    channel: Channel
    filed_at: AwareDatetime | None
    received_at: AwareDatetime | None
    refused_at: AwareDatetime | None
    withdrawn_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    timing: Timing | None
    handed_over_at: AwareDatetime | None
    digitised: bool
    stopped_at: AwareDatetime | None = None
    paused: PauseKind | None = None
    paused_since: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    supplements_asked: tuple[AwareDatetime, ...] = ()
    reused: bool = False
    paid_at: AwareDatetime | None = None
    paid_online: bool = False
    rated_at: AwareDatetime | None = None
    score: int | None = None
