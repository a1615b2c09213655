"""When images and values of a page were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("pages", sa.Column("erased_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop it; what was erased stays so."""
    op.drop_column("pages", "erased_at")
