"""From digits to a value one can trust: the read path, pure. A page in, readings out: no file, no database, no Prefect."""
