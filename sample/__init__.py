"""The sample province, and the drive that leads it through a day by the public API alone.

Nothing here imports a service or their shared code: what the drive checks, it computes by itself.
"""
