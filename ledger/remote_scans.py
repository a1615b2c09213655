"""What version of a remote scan has which content: a scan that did not change is known without fetching it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, insert, select

from ledger.tables import remote_scans

_KEYS_AT_ONCE = 5000


def known_contents(connection: Connection, versions: Collection[str]) -> dict[str, str]:
    """Versions that were fetched before -> the sha256 of their content."""
    wanted = sorted(versions)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        part = wanted[start : start + _KEYS_AT_ONCE]
        query = select(remote_scans.c.version, remote_scans.c.sha256).where(remote_scans.c.version.in_(part))
        found |= {row.version: row.sha256 for row in connection.execute(query)}
    return found


def note_contents(connection: Connection, contents: Mapping[str, str]) -> None:
    """Note what content versions have; those that are noted already stay as they are."""
    known = known_contents(connection, contents)
    rows = [{"version": version, "sha256": sha} for version, sha in contents.items() if version not in known]
    if rows:
        connection.execute(insert(remote_scans), rows)
