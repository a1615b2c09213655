"""The first tables: batches, pages, readings, crops."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Id: Any = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_SortKey: Any = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    _create_batches()
    _create_pages()
    _create_readings()
    _create_crops()


def downgrade() -> None:
    """Drop the tables, and all that they hold."""
    for table in ("crops", "readings", "pages", "batches"):
        op.drop_table(table)


def _create_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", _Id, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("form_digest", sa.Text, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        sa.UniqueConstraint("source", "form", "form_digest", name="uq_batches_source_form_form_digest"),
    )


def _create_pages() -> None:
    op.create_table(
        "pages",
        sa.Column("id", _Id, nullable=False),
        sa.Column("batch_id", _Id, nullable=False),
        sa.Column("scan", _SortKey, nullable=False),
        sa.Column("scan_order", _SortKey, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("sha256", _SortKey, nullable=False),
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("form", sa.Text),
        sa.Column("form_version", sa.Text),
        sa.Column("residual_mm", sa.Float),
        sa.Column("model", sa.Text),
        sa.Column("threshold", sa.Float),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pages"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_pages_batches"),
        sa.UniqueConstraint("batch_id", "sha256", "page", "claim", name="uq_pages_batch_id_sha256_page_claim"),
    )
    op.create_index("ix_pages_batch_id_scan_order", "pages", ["batch_id", "scan_order"])


def _create_readings() -> None:
    op.create_table(
        "readings",
        sa.Column("page_id", _Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("needs_review", sa.Boolean, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("alternatives", sa.JSON, nullable=False),
        sa.Column("digits", sa.JSON, nullable=False),
        sa.Column("x_mm", sa.Float, nullable=False),
        sa.Column("y_mm", sa.Float, nullable=False),
        sa.Column("width_mm", sa.Float, nullable=False),
        sa.Column("height_mm", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("page_id", "position", name="pk_readings"),
        sa.ForeignKeyConstraint(["page_id"], ["pages.id"], name="fk_readings_pages"),
        sqlite_with_rowid=False,
    )


def _create_crops() -> None:
    op.create_table(
        "crops",
        sa.Column("page_id", _Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("png", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("page_id", "position", name="pk_crops"),
        sa.ForeignKeyConstraint(
            ["page_id", "position"], ["readings.page_id", "readings.position"], name="fk_crops_readings"
        ),
    )
