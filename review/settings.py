"""How the review page is served, and whether that is safe: checked before anything listens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from forms.errors import MendableError
from forms.template import FormTemplate


class ReviewError(MendableError):
    """The review page cannot be served as asked, and what to do about it."""


class SignIn(StrEnum):
    """How people say who they are."""

    NAME = "name"  # by a name alone: whoever reaches the page is trusted
    PASSWORD = "password"
    HEADER = "header"  # a reverse proxy has asked them, and says so


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """How the page is served.

    ``forms`` give labels, rules and surroundings. ``login`` asks for a password on loopback too. ``user_header`` is the
    header in which a reverse proxy at one of ``trusted_proxies`` (addresses) names the person. ``public_names`` are the
    names by which browsers may reach the page beside loopback's own. ``https`` keeps cookies to encrypted connections;
    a ``certificate`` with its ``private_key`` encrypts them here. ``show_pages``: reviewers, too, see what lies
    around a field, and the scans' names.
    """

    forms: tuple[FormTemplate, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8765
    login: bool = False
    user_header: str | None = None
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    public_names: tuple[str, ...] = ()
    https: bool = False
    certificate: Path | None = None
    private_key: Path | None = None
    show_pages: bool = False

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine reaches the page. Names other than localhost are looked up by nobody here."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def sign_in(self) -> SignIn:
        if self.user_header:
            return SignIn.HEADER
        return SignIn.NAME if self.on_loopback and not self.login else SignIn.PASSWORD

    @property
    def secure_cookies(self) -> bool:
        return self.https or self.certificate is not None

    @property
    def in_clear(self) -> bool:
        """Whether passwords and answers travel where others could read them."""
        return not (self.on_loopback or self.secure_cookies)

    def check(self, accounts: int) -> None:
        """Refuse what would let anybody in, or nobody.

        Args:
            accounts: how many people may sign in.

        Raises:
            ReviewError: with the mend.
        """
        if self.sign_in is SignIn.NAME or accounts:
            return
        if self.sign_in is SignIn.PASSWORD and not self.on_loopback:
            problem = f"{self.host} can be reached by others, and there is no user"
            mend = "add one with formdigits users add NAME, or serve on 127.0.0.1"
            raise ReviewError(problem, mend)
        raise ReviewError("nobody could sign in: there is no user", "add one with formdigits users add NAME")
