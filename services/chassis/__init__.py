"""The technical code that the five services share.

Entry rule: three services need it, it has no word of the domain, and it has tests of its own. It never imports a
service.
"""

SERVICES = ("catalog", "intake", "workflow", "notify", "stats")
