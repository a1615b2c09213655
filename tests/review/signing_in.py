"""Signing in as the page's form does it."""

from __future__ import annotations

import re

import httpx

PASSWORD = "right horse staple"


def csrf(client: httpx.Client, path: str = "/sign-in") -> str:
    found = re.search(r'data-csrf="([^"]+)"', client.get(path).text)
    assert found
    return found.group(1)


def sign_in(client: httpx.Client, name: str, password: str = PASSWORD, to: str = "/") -> int:
    form = {"name": name, "password": password, "csrf": csrf(client), "to": to}
    return client.post("/sign-in", data=form).status_code
