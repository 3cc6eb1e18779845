"""notify's routes, a module for each noun: parse, call one use case or query, answer."""

from notify.usecases.access import MANAGE, READ

SCOPES = {
    READ: "Reads the messages to oneself",
    MANAGE: "Operators: with messages.read reads everybody's messages; has one sent again",
}
