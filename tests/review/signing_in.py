"""Signing in as the page's form does it."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

PASSWORD = "right horse staple"


def csrf(client: TestClient, path: str = "/sign-in") -> str:
    found = re.search(r'data-csrf="([^"]+)"', client.get(path).text)
    assert found
    return found.group(1)


def sign_in(client: TestClient, name: str, password: str = PASSWORD, to: str = "/") -> int:
    form = {"name": name, "password": password, "csrf": csrf(client), "to": to}
    return client.post("/sign-in", data=form).status_code
