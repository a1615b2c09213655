"""The parts of the ``formdigits`` command: they read their options and hand them on."""
