"""Fields that were read again: which model did, and what had been read before."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_Id: Any = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the column and the table."""
    op.add_column("readings", sa.Column("model", sa.Text))
    op.create_table(
        "earlier_readings",
        sa.Column("id", _Id, nullable=False),
        sa.Column("page_id", _Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("needs_review", sa.Boolean, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("alternatives", sa.JSON, nullable=False),
        sa.Column("digits", sa.JSON, nullable=False),
        sa.Column("threshold", sa.Float),
        sa.Column("signals", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_earlier_readings"),
        sa.ForeignKeyConstraint(
            ["page_id", "position"], ["readings.page_id", "readings.position"], name="fk_earlier_readings_readings"
        ),
    )
    op.create_index("ix_earlier_readings_page_id_position", "earlier_readings", ["page_id", "position"])


def downgrade() -> None:
    """Drop them, and all that they hold."""
    op.drop_table("earlier_readings")
    op.drop_column("readings", "model")
