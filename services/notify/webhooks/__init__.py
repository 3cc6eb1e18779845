"""Webhooks: an office's own software is told what happens to its dossiers, by Standard Webhooks
(https://www.standardwebhooks.com/).

Of each event there is a row for each webhook that takes it. Its id is the `webhook-id` that the receiver sees, however
often it is sent. Order is as good as can be: a row that waits to be tried again is overtaken by later ones, and the
event's own `sequence` says which is newer. A receiver that is slow or dead holds up nobody else (see `dispatch`).
"""
