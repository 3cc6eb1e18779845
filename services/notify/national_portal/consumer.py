"""What of catalog's news the portal's business needs; of intake's and workflow's it hears all (`notify.taps`)."""

from chassis.consume import Subscription
from notify.national_portal.inbound import ProcedurePublished, ProcedureWithdrawn
from notify.national_portal.usecases import Catalogue


def subscriptions(use: Catalogue) -> list[Subscription]:
    return [
        Subscription(
            use.know,
            {
                "catalog.procedure.published.v1": ProcedurePublished,
                "catalog.procedure.withdrawn.v1": ProcedureWithdrawn,
            },
        )
    ]
