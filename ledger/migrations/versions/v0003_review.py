"""The review: a queue of fields, how answers came about, known answers, and accounts."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.audit_sample import FieldKey, disguised

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_Id: Any = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_SortKey: Any = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_Time: Any = sa.DateTime(timezone=True)
_GIVEN_OUT = ("stage", "first_by", "skips", "confidence", "page_id", "position")
_OF_VALUE = ("stage", "keys", "value", "confidence")
_OF_ANSWERS = ("source", "verdict", "stage", "seconds", "overrides", "was", "agreed", "client_key", "retracts")


def upgrade() -> None:
    """Add the tables and columns; what is flagged or answered enters the queue."""
    op.add_column("readings", sa.Column("two_keys", sa.Boolean))
    _extend_corrections()
    _create_review_items()
    _create_known()
    _create_accounts()
    _fill_queue()
    _disguise_sample()


def downgrade() -> None:
    """Drop them, and all that they hold. Answers that were taken back, or say more than a value, are dropped too."""
    for table in ("accounts", "known_trials", "known_answers", "review_items"):
        op.drop_table(table)
    undone = "verdict IN ('retracted', 'illegible') OR id IN (SELECT retracts FROM corrections)"
    op.execute(f"DELETE FROM corrections WHERE {undone}")
    op.drop_index("ix_corrections_illegible", "corrections")
    op.drop_index("uq_corrections_client_key", "corrections")
    for column in reversed(_OF_ANSWERS):
        op.drop_column("corrections", column)
    op.drop_column("readings", "two_keys")


def _extend_corrections() -> None:
    # Defaults, for SQLite cannot add a column that must be given.
    for name, default in (("source", "csv"), ("verdict", "value"), ("overrides", ""), ("was", "")):
        op.add_column("corrections", sa.Column(name, sa.Text, nullable=False, server_default=default))
    op.add_column("corrections", sa.Column("stage", sa.Integer, nullable=False, server_default="1"))
    op.add_column("corrections", sa.Column("seconds", sa.Float))
    op.add_column("corrections", sa.Column("agreed", sa.Boolean))
    op.add_column("corrections", sa.Column("client_key", sa.Text))
    op.add_column("corrections", sa.Column("retracts", _Id))
    op.create_index("uq_corrections_client_key", "corrections", ["client_key"], unique=True)
    illegible = sa.text("verdict = 'illegible'")
    op.create_index(
        "ix_corrections_illegible", "corrections", ["id"], sqlite_where=illegible, postgresql_where=illegible
    )
    op.execute("UPDATE corrections SET verdict = 'blank' WHERE value = ''")
    before = (
        "(SELECT older.value FROM corrections AS older WHERE older.page_id = corrections.page_id"
        " AND older.position = corrections.position AND older.id < corrections.id ORDER BY older.id DESC LIMIT 1)"
    )
    op.execute(f"UPDATE corrections SET was = coalesce({before}, {_READ}), agreed = (value = {_READ})")


_READ = (
    "(SELECT readings.value FROM readings"
    " WHERE readings.page_id = corrections.page_id AND readings.position = corrections.position)"
)


def _create_review_items() -> None:
    op.create_table(
        "review_items",
        sa.Column("page_id", _Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("batch_id", _Id, nullable=False),
        sa.Column("form", _SortKey, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("keys", sa.Integer, nullable=False),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("first_by", _SortKey, nullable=False, server_default=""),
        sa.Column("second_by", _SortKey, nullable=False, server_default=""),
        sa.Column("skips", sa.Integer, nullable=False, server_default="0"),
        sa.Column("leased_to", sa.Text),
        sa.Column("leased_until", _Time),
        sa.Column("answer_id", _Id),
        sa.PrimaryKeyConstraint("page_id", "position", name="pk_review_items"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_review_items_batches"),
        sa.ForeignKeyConstraint(["answer_id"], ["corrections.id"], name="fk_review_items_corrections"),
        _of_field("review_items", "readings"),
        sqlite_with_rowid=False,
    )
    for scope, column in (("batch", "batch_id"), ("form", "form")):
        op.create_index(f"ix_review_items_{scope}", "review_items", [column, *_GIVEN_OUT])
        op.create_index(f"ix_review_items_{scope}_value", "review_items", [column, *_OF_VALUE])
    leased = sa.text("leased_to IS NOT NULL")
    op.create_index(
        "ix_review_items_leased", "review_items", ["leased_to"], sqlite_where=leased, postgresql_where=leased
    )
    op.create_index("ix_review_items_answer", "review_items", ["answer_id"])


def _of_field(table: str, referred: str) -> sa.ForeignKeyConstraint:
    place = ["page_id", "position"]
    return sa.ForeignKeyConstraint(place, [f"{referred}.{name}" for name in place], name=f"fk_{table}_{referred}")


def _create_known() -> None:
    op.create_table(
        "known_answers",
        sa.Column("page_id", _Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("batch_id", _Id, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("page_id", "position", name="pk_known_answers"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_known_answers_batches"),
        _of_field("known_answers", "readings"),
        sqlite_with_rowid=False,
    )
    for column in ("batch_id", "form"):
        op.create_index(f"ix_known_answers_{column}", "known_answers", [column])
    op.create_table(
        "known_trials",
        sa.Column("page_id", _Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("reviewer", _SortKey, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("answered_at", _Time),
        sa.Column("verdict", sa.Text),
        sa.Column("value", sa.Text),
        sa.Column("was_right", sa.Boolean),
        sa.Column("seconds", sa.Float),
        sa.Column("client_key", sa.Text),
        sa.PrimaryKeyConstraint("page_id", "position", "reviewer", name="pk_known_trials"),
        _of_field("known_trials", "known_answers"),
    )
    op.create_index("ix_known_trials_reviewer_session", "known_trials", ["reviewer", "session"])
    op.create_index("uq_known_trials_client_key", "known_trials", ["client_key"], unique=True)


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", _SortKey, nullable=False),
        sa.Column("shown_name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("changed_at", _Time, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )


def _fill_queue() -> None:
    """One row a field that was flagged or answered; so far the newest answer settled it."""
    columns = "page_id, position, batch_id, form, value, confidence, keys, stage, answer_id"
    newest = "(SELECT page_id, position, max(id) AS id FROM corrections GROUP BY page_id, position)"
    op.execute(
        f"INSERT INTO review_items ({columns}) SELECT readings.page_id, readings.position, pages.batch_id, pages.form,"
        " readings.value, readings.confidence, 1, CASE WHEN newest.id IS NULL THEN 1 ELSE 0 END, newest.id"
        " FROM readings JOIN pages ON pages.id = readings.page_id"
        f" LEFT JOIN {newest} AS newest"
        " ON newest.page_id = readings.page_id AND newest.position = readings.position"
        " WHERE readings.needs_review OR newest.id IS NOT NULL"
    )


def _disguise_sample() -> None:
    """The audit sample's confidence as reviewers may know it."""
    connection = op.get_bind()
    sample = connection.execute(
        sa.text(
            "SELECT readings.page_id, readings.position, readings.field, pages.sha256, pages.page, batches.audit_key,"
            " coalesce(readings.threshold, pages.threshold) AS threshold"
            " FROM readings JOIN pages ON pages.id = readings.page_id JOIN batches ON batches.id = pages.batch_id"
            " WHERE readings.reasons = 'audit_sample'"
        )
    )
    change = sa.text("UPDATE review_items SET confidence = :shown WHERE page_id = :page_id AND position = :position")
    rows = [{"page_id": row.page_id, "position": row.position, "shown": _shown(row)} for row in sample]
    if rows:
        connection.execute(change, rows)


def _shown(row: Any) -> float:
    return disguised(row.audit_key, FieldKey(row.sha256, row.page, row.field), row.threshold, ())[0]
