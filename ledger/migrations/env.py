"""Alembic's entry: runs the migrations on the connection, and in the transaction, that ``ledger.schema`` hands over."""

from alembic import context

from ledger.schema import VERSION_TABLE
from ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite cannot alter a table in place
)
with context.begin_transaction():
    context.run_migrations()
