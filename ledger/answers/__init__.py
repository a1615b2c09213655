"""Answers that come as files: corrected CSVs as spreadsheets leave them, and Label Studio."""
