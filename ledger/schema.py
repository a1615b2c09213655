"""Bring a database to this software's schema, whichever program comes first."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from ledger.database import Database
from ledger.errors import LedgerError
from ledger.tables import metadata

# Not Alembic's default name: the ledger may share a PostgreSQL database with Prefect, which uses that one.
VERSION_TABLE = "ledger_version"
_LOCK = 0x666F726D64  # any number that all ledgers agree on


def upgrade(database: Database) -> None:
    """Run the migrations that are missing, in one transaction that others wait for.

    Raises:
        LedgerError: the schema is newer than this software, or the database holds someone else's tables.
    """
    script = ScriptDirectory.from_config(_config())
    with database.read() as connection:
        if _version(connection, script, database.where) == script.get_current_head():
            return
    with database.write() as connection:
        if database.engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        # Asked again under the lock: another program may have done it meanwhile.
        version = _version(connection, script, database.where)
        if version == script.get_current_head():
            return
        if version is None:
            _refuse_foreign_tables(connection, database.where)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    # Alembic interpolates %, which a folder's name may hold.
    folder = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    return config


def _version(connection: Connection, script: ScriptDirectory, where: str) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    version = context.get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if version is not None and version not in known:
        raise LedgerError(
            f"the ledger {where} was written by a newer version of this software (schema {version})",
            "upgrade formdigits, or name another ledger",
        )
    return version


def _refuse_foreign_tables(connection: Connection, where: str) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise LedgerError(
            f"the database {where} already has tables of another software ({', '.join(taken)})",
            "name another file or database for the ledger",
        )
