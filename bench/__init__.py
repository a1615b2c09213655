"""Benchmarks on real scans and made pages; none of it is needed to read a form."""
