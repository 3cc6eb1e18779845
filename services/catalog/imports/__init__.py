"""Imports of procedures, agencies and calendars: JSON, CSV, XLSX; and exports, in the same shapes."""
