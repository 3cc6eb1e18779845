"""A report's content made into a file: XLSX, CSV, PDF, JSON.

Each is made in a process of its own (`python -m stats.rendering FORMAT <content >file`), so that neither the memory nor
the time that it takes is the worker's, and row by row, whatever the length; only the PDF is made at once, see
`stats.rendering.paper`.
"""
