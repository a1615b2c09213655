"""The ledger's tables. A change here needs a migration in ``ledger/migrations/versions``: a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite would forget the time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


# SQLite counts up by itself only in a column declared INTEGER, which there holds 64 bits.
_Id: Any = BigInteger().with_variant(Integer, "sqlite")
# Sorted by code point whatever the database's locale is: an export must be the same everywhere.
_SortKey: Any = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# ``audit_key``: the secret, in hexadecimal, by which its audit sample is drawn. ``watched_to``: the last page that was
# compared with the reference for drift.
batches = Table(
    "batches",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("source", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("form_digest", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("audit_key", Text, nullable=False, server_default=""),
    Column("watched_to", _Id),
    UniqueConstraint("source", "form", "form_digest"),
)

# One row a page that was read, or that could not be. ``claim`` is "" for a page that was read: its content counts once,
# whatever its file is called. For a problem it is the sha256 of the scan's name: each file that fails has its own row.
# ``scan_order`` sorts names as people do. Both are short, whatever a path's length: PostgreSQL bounds index entries.
# From ``erased_at`` on its fields have no images, and their values are told apart only (``ledger.erasing``).
pages = Table(
    "pages",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("batch_id", _Id, ForeignKey("batches.id"), nullable=False),
    Column("scan", _SortKey, nullable=False),
    Column("scan_order", _SortKey, nullable=False),
    Column("page", Integer, nullable=False),
    Column("sha256", _SortKey, nullable=False),
    Column("claim", Text, nullable=False),
    Column("problem", Text),
    Column("detail", Text),
    Column("form", Text),
    Column("form_version", Text),
    Column("residual_mm", Float),
    Column("model", Text),
    Column("threshold", Float),
    Column("read_at", UtcTime, nullable=False),
    Column("erased_at", UtcTime),
    UniqueConstraint("batch_id", "sha256", "page", "claim"),
    Index(None, "batch_id", "scan_order"),
)

# ``reasons`` joined by ";"; ``alternatives`` [[value, probability], ...];
# ``digits`` [[digit, probability, left, top, right, bottom], ...] in pixels of the crop. ``signals`` {name: number},
# what the confidence was computed from. ``two_keys``: two people key it wherever people have to look. Columns from
# ``kind`` on are null in rows that are older, the traits also where a field holds no ink. ``model`` is null where the
# page's model read the field, too.
readings = Table(
    "readings",
    metadata,
    Column("page_id", _Id, ForeignKey("pages.id"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("field", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("needs_review", Boolean, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("alternatives", JSON, nullable=False),
    Column("digits", JSON, nullable=False),
    Column("x_mm", Float, nullable=False),
    Column("y_mm", Float, nullable=False),
    Column("width_mm", Float, nullable=False),
    Column("height_mm", Float, nullable=False),
    Column("kind", Text),
    Column("threshold", Float),
    Column("signals", JSON),
    Column("not_a_digit", Float),
    Column("ink_share", Float),
    Column("stroke_share", Float),
    Column("contrast", Float),
    Column("two_keys", Boolean),
    Column("model", Text),
    sqlite_with_rowid=False,  # stored in the order of its key: a page's fields lie together
)
# The audit sample is asked for at the start of each run, and is a small part of the table.
_IN_AUDIT_SAMPLE = readings.c.reasons == "audit_sample"
Index("ix_readings_audit_sample", readings.c.page_id, sqlite_where=_IN_AUDIT_SAMPLE, postgresql_where=_IN_AUDIT_SAMPLE)

crops = Table(
    "crops",
    metadata,
    Column("page_id", _Id, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("png", LargeBinary, nullable=False),
    ForeignKeyConstraint(["page_id", "position"], ["readings.page_id", "readings.position"]),
)

# What had been read in a field before another model read it again, the oldest first.
earlier_readings = Table(
    "earlier_readings",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("page_id", _Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("replaced_at", UtcTime, nullable=False),
    Column("model", Text),
    Column("value", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("needs_review", Boolean, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("alternatives", JSON, nullable=False),
    Column("digits", JSON, nullable=False),
    Column("threshold", Float),
    Column("signals", JSON),
    ForeignKeyConstraint(["page_id", "position"], ["readings.page_id", "readings.position"]),
    Index(None, "page_id", "position"),
)

# What people said about a field, one row an answer, never changed; ``review_items.answer_id`` says which one holds.
# ``value`` is "" unless the ``verdict`` is "value". ``stage``: which key it was, 0 for an answer that is kept and
# counts for nothing. ``was``: the value that held before; ``agreed``: whether it is what the machine read.
# ``overrides``: rules that the reviewer overrode, joined by ";". ``client_key`` is made by who sends the answer: what
# is sent twice is recorded once. A row with the verdict "retracted" undoes the row ``retracts``.
corrections = Table(
    "corrections",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("page_id", _Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("source", Text, nullable=False, server_default="csv"),
    Column("verdict", Text, nullable=False, server_default="value"),
    Column("stage", Integer, nullable=False, server_default="1"),
    Column("seconds", Float),
    Column("overrides", Text, nullable=False, server_default=""),
    Column("was", Text, nullable=False, server_default=""),
    Column("agreed", Boolean),
    Column("client_key", Text),
    Column("retracts", _Id),
    ForeignKeyConstraint(["page_id", "position"], ["readings.page_id", "readings.position"]),
    Index(None, "page_id", "position"),
    Index("uq_corrections_client_key", "client_key", unique=True),
)
_ILLEGIBLE = corrections.c.verdict == "illegible"  # few, and counted often
Index("ix_corrections_illegible", corrections.c.id, sqlite_where=_ILLEGIBLE, postgresql_where=_ILLEGIBLE)

# A row for each field that was flagged or answered: the queue, and which answer holds (``answer_id``, null: none).
# ``value`` and ``confidence`` are the reading's, the confidence as reviewers may know it. ``keys``: how many people
# have to answer. ``stage``: 0 settled, or the key that is wanted next. ``first_by`` and ``second_by``: who gave those
# keys, case-folded, "" nobody. A lease belongs to a session.
review_items = Table(
    "review_items",
    metadata,
    Column("page_id", _Id, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("batch_id", _Id, ForeignKey("batches.id"), nullable=False),
    Column("form", _SortKey, nullable=False),
    Column("value", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("keys", Integer, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("first_by", _SortKey, nullable=False, server_default=""),
    Column("second_by", _SortKey, nullable=False, server_default=""),
    Column("skips", Integer, nullable=False, server_default="0"),
    Column("leased_to", Text),
    Column("leased_until", UtcTime),
    Column("answer_id", _Id, ForeignKey("corrections.id")),
    ForeignKeyConstraint(["page_id", "position"], ["readings.page_id", "readings.position"]),
    sqlite_with_rowid=False,
)
# In the order in which a batch's or a form's fields are given out.
_GIVEN_OUT = ("stage", "first_by", "skips", "confidence", "page_id", "position")
Index("ix_review_items_batch", *(review_items.c[name] for name in ("batch_id", *_GIVEN_OUT)))
Index("ix_review_items_form", *(review_items.c[name] for name in ("form", *_GIVEN_OUT)))
_OF_VALUE = ("stage", "keys", "value", "confidence")
Index("ix_review_items_batch_value", *(review_items.c[name] for name in ("batch_id", *_OF_VALUE)))
Index("ix_review_items_form_value", *(review_items.c[name] for name in ("form", *_OF_VALUE)))
_LEASED = review_items.c.leased_to.is_not(None)
Index("ix_review_items_leased", review_items.c.leased_to, sqlite_where=_LEASED, postgresql_where=_LEASED)
Index("ix_review_items_answer", review_items.c.answer_id)

# Fields whose answer is known, shown among others to measure reviewers.
known_answers = Table(
    "known_answers",
    metadata,
    Column("page_id", _Id, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("batch_id", _Id, ForeignKey("batches.id"), nullable=False),
    Column("form", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("value", Text, nullable=False),
    ForeignKeyConstraint(["page_id", "position"], ["readings.page_id", "readings.position"]),
    Index(None, "batch_id"),
    Index(None, "form"),
    sqlite_with_rowid=False,
)

# A known answer that a reviewer was shown, and, from ``answered_at`` on null as long as there is none, what they said.
known_trials = Table(
    "known_trials",
    metadata,
    Column("page_id", _Id, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("reviewer", _SortKey, primary_key=True),
    Column("session", Text, nullable=False),
    Column("answered_at", UtcTime),
    Column("verdict", Text),
    Column("value", Text),
    Column("was_right", Boolean),
    Column("seconds", Float),
    Column("client_key", Text),
    ForeignKeyConstraint(["page_id", "position"], ["known_answers.page_id", "known_answers.position"]),
    Index(None, "reviewer", "session"),
    Index("uq_known_trials_client_key", "client_key", unique=True),
)

# Who may review. ``name`` is case-folded and compared, ``shown_name`` as it was given. ``changed_at``: the last change
# of password, role or state, which ends the sessions that were opened before.
accounts = Table(
    "accounts",
    metadata,
    Column("name", _SortKey, primary_key=True),
    Column("shown_name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("disabled", Boolean, nullable=False),
)

# What the servers of a ledger share, made when it is first asked for.
# The versions are digests of addresses and the stores' tags, so that they name nobody.
remote_scans = Table(
    "remote_scans",
    metadata,
    Column("version", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
