"""Which event tells whom, by which channel, in which words: the whole of it, as data.

The words of a template lie in `templates/<language>/<template>.<channel>.txt`, and in `.html` beside it where there is
one.
"""

from notify.domain.telling import Rule

RULES = (
    Rule("intake.dossier.filed.v1", "applicant", "email", "filed"),
    Rule("intake.dossier.filed.v1", "applicant", "portal", "filed"),
    Rule("intake.dossier.received.v1", "applicant", "email", "received"),
    Rule("intake.dossier.received.v1", "applicant", "portal", "received"),
    Rule("intake.dossier.refused.v1", "applicant", "email", "refused"),
    Rule("intake.dossier.refused.v1", "applicant", "portal", "refused"),
    Rule("intake.dossier.supplement_requested.v1", "applicant", "email", "supplement_requested"),
    Rule("intake.dossier.supplement_requested.v1", "applicant", "portal", "supplement_requested"),
    Rule("intake.dossier.withdrawn.v1", "applicant", "email", "withdrawn"),
    Rule("intake.dossier.withdrawn.v1", "applicant", "portal", "withdrawn"),
    Rule("intake.dossier.handed_over.v1", "applicant", "email", "handed_over"),
    Rule("intake.dossier.handed_over.v1", "applicant", "portal", "handed_over"),
    Rule("workflow.dossier.finished.v1", "applicant", "email", "result_ready"),
    Rule("workflow.dossier.finished.v1", "applicant", "portal", "result_ready"),
    Rule("intake.fee.asked.v1", "applicant", "email", "fee_asked"),
    Rule("intake.fee.asked.v1", "applicant", "portal", "fee_asked"),
    Rule("workflow.supplement.requested.v1", "applicant", "email", "supplement_asked"),
    Rule("workflow.supplement.requested.v1", "applicant", "portal", "supplement_asked"),
    Rule("workflow.dossier.resumed.v1", "applicant", "email", "resumed"),
    Rule("workflow.dossier.resumed.v1", "applicant", "portal", "resumed"),
    Rule("workflow.dossier.extended.v1", "applicant", "email", "extended"),
    Rule("workflow.dossier.extended.v1", "applicant", "portal", "extended"),
    Rule("workflow.dossier.stopped.v1", "applicant", "email", "stopped"),
    Rule("workflow.dossier.stopped.v1", "applicant", "portal", "stopped"),
    Rule("workflow.deadline.approaching.v1", "agency", "email", "deadline_approaching"),
    Rule("workflow.deadline.missed.v1", "agency", "email", "deadline_missed"),
    Rule("workflow.task.overdue.v1", "agency", "email", "task_overdue"),
)
