"""The technical code that the five services share.

Entry rule: three services need it (two, where a mistake in one of two copies would be a hole: printing, and looking
into strangers' files; see docs/adr/0020), it has no word of the domain, and it has tests of its own. It never imports
a service.
"""

SERVICES = ("catalog", "intake", "workflow", "notify", "stats")
