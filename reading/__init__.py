"""From digits to a value one can trust: the read path. A page in, readings out; no file, no database, no Prefect."""
