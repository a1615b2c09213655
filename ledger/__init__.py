"""What was read and what people decided: SQLite by default, PostgreSQL by URL; CSV out.

The only package that imports SQLAlchemy and Alembic.
"""
