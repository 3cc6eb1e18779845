"""The national portal (Cổng dịch vụ công quốc gia): each dossier's life is told to it, event by event, in order.

Why it is done so: docs/adr/0022-national-portal.md. What the portal takes: `domain.records`.
"""
