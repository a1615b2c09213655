"""Shells around the read path: settings, the ``formdigits`` command, and the Prefect flows.

Importing this package sets Prefect's environment, so that it always happens before Prefect itself is imported.
"""

from flows.environment import set_prefect_defaults

set_prefect_defaults()
