"""Which event tells whom, by which channel, in which words: the whole of it, as data.

The words of a template lie in `templates/<language>/<template>.<channel>.txt`, and in `.html` beside it where there is
one.
"""

from notify.domain import Rule

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
)
