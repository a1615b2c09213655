"""Passwords: kept as Argon2id hashes (RFC 9106), made and checked by argon2-cffi."""

from __future__ import annotations

from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from review.settings import ReviewError

LEAST_LENGTH = 10  # NIST SP 800-63B asks for 8, and for no rules about characters
_HASHER = PasswordHasher()
_AT_ONCE = BoundedSemaphore(2)  # each check takes 64 MiB


def password_hash(password: str) -> str:
    """The hash to keep.

    Raises:
        ReviewError: the password is too short.
    """
    if len(password) < LEAST_LENGTH:
        raise ReviewError(f"a password of {len(password)} characters is too short", f"take {LEAST_LENGTH} or more")
    return _HASHER.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Whether ``kept`` is the hash of ``password``; as slow where there is no hash, or it would tell who exists."""
    with _AT_ONCE:
        try:
            return _HASHER.verify(kept or _nobodys(), password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this one")
