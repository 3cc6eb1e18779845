"""What stats reads of other services, a module for each noun: only the fields that it uses."""

from stats.inbound.agencies import AgencyChanged
from stats.inbound.dossiers import (
    ComponentsChanged,
    DossierExtended,
    DossierFiled,
    DossierFinished,
    DossierHandedOver,
    DossierPaused,
    DossierReceived,
    DossierRefused,
    DossierRescheduled,
    DossierResumed,
    DossierStarted,
    DossierStopped,
    DossierWithdrawn,
    SupplementRequested,
)

READINGS: dict[str, type] = {
    "intake.dossier.filed.v1": DossierFiled,
    "intake.dossier.received.v1": DossierReceived,
    "intake.dossier.refused.v1": DossierRefused,
    "intake.dossier.withdrawn.v1": DossierWithdrawn,
    "intake.dossier.supplemented.v1": ComponentsChanged,
    "intake.document.digitised.v1": ComponentsChanged,
    "intake.dossier.handed_over.v1": DossierHandedOver,
    "workflow.dossier.started.v1": DossierStarted,
    "workflow.dossier.rescheduled.v1": DossierRescheduled,
    "workflow.dossier.finished.v1": DossierFinished,
    "workflow.dossier.paused.v1": DossierPaused,
    "workflow.dossier.resumed.v1": DossierResumed,
    "workflow.dossier.extended.v1": DossierExtended,
    "workflow.dossier.stopped.v1": DossierStopped,
    "workflow.supplement.requested.v1": SupplementRequested,
    "catalog.agency.changed.v1": AgencyChanged,
}
"""Everything else is archived as it is and says nothing that is counted yet."""
