"""Which content a version of a remote scan has, so that it need not be fetched to be known."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "remote_scans",
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_remote_scans")),
    )


def downgrade() -> None:
    """Drop it: every remote scan is fetched once more."""
    op.drop_table("remote_scans")
