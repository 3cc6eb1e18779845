"""notify's routes, a module for each noun: parse, call one use case or query, answer."""

from notify.usecases.access import (
    CHOOSE,
    EDIT,
    HOOKS,
    HOOKS_ALL,
    HOOKS_PROVINCE,
    MANAGE,
    PARTNERS_OPEN,
    PARTNERS_PICKUP,
    PARTNERS_READ,
    PARTNERS_REPAIR,
    READ,
)

SCOPES = {
    READ: "Reads the messages to oneself",
    MANAGE: "Operators: with messages.read reads everybody's messages; has one sent again",
    EDIT: "Editors: sets which events tell whom, and in which words",
    CHOOSE: "Chooses how oneself is told: channels, language, quiet hours, digest",
    PARTNERS_READ: "Operators: sees what waits for partner systems and what they refused, nothing personal",
    PARTNERS_OPEN: "Operators: opens what was sent to partner systems, people's data included; each time is noted",
    PARTNERS_REPAIR: "Operators: corrects, retries or leaves out what a partner system refused",
    PARTNERS_PICKUP: "Officers: asks the public post to bring an applicant's papers to the own agency",
    HOOKS: "Offices and their software: sets up webhooks for the own agency's dossiers, and sees what was sent to them",
    HOOKS_ALL: "Operators: with webhooks.manage sets up and sees those of every agency",
    HOOKS_PROVINCE: "With webhooks.manage sets up webhooks for the dossiers of the whole province",
}
