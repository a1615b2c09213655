"""What people answered, the secret of the audit sample, and what each field's writing is like."""

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_Id: Any = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TRAITS = ("not_a_digit", "ink_share", "stroke_share", "contrast")


def upgrade() -> None:
    """Add the columns and the table; every batch gets a secret of its own."""
    # A default, for SQLite can neither add a column that must be given nor change one of a table that others refer to.
    op.add_column("batches", sa.Column("audit_key", sa.Text, nullable=False, server_default=""))
    op.add_column("batches", sa.Column("watched_to", _Id))
    _fill_keys()
    op.add_column("readings", sa.Column("kind", sa.Text))
    op.add_column("readings", sa.Column("threshold", sa.Float))
    op.add_column("readings", sa.Column("signals", sa.JSON))
    for trait in _TRAITS:
        op.add_column("readings", sa.Column(trait, sa.Float))
    sampled = sa.text("reasons = 'audit_sample'")
    op.create_index("ix_readings_audit_sample", "readings", ["page_id"], sqlite_where=sampled, postgresql_where=sampled)
    _create_corrections()


def downgrade() -> None:
    """Drop them, and all that they hold."""
    op.drop_table("corrections")
    op.drop_index("ix_readings_audit_sample", "readings")
    for column in (*reversed(_TRAITS), "signals", "threshold", "kind"):
        op.drop_column("readings", column)
    for column in ("watched_to", "audit_key"):
        op.drop_column("batches", column)


def _fill_keys() -> None:
    connection = op.get_bind()
    batches = sa.table("batches", sa.column("id", _Id), sa.column("audit_key", sa.Text))
    for batch in connection.execute(sa.select(batches.c.id)).scalars().all():
        connection.execute(sa.update(batches).where(batches.c.id == batch).values(audit_key=secrets.token_hex(16)))


def _create_corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", _Id, nullable=False),
        sa.Column("page_id", _Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
        sa.ForeignKeyConstraint(
            ["page_id", "position"], ["readings.page_id", "readings.position"], name="fk_corrections_readings"
        ),
    )
    op.create_index("ix_corrections_page_id_position", "corrections", ["page_id", "position"])
