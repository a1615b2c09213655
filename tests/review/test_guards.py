"""What every request passes, and what every answer carries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from ledger.ledger import Ledger
from ledger.review.users import Role
from review.guards import host_name

Client = Callable[..., TestClient]


@pytest.mark.parametrize("path", ["/sign-in", "/", "/nowhere", "/api/session", "/static/review.js"])
def test_every_answer_tells_the_browser_what_the_page_may_do(client: Client, path: str) -> None:
    headers = client().get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"  # neither inline nor from elsewhere
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


def test_cookies_are_out_of_reach_for_scripts_and_stay_encrypted(client: Client) -> None:
    cookie = client().get("/sign-in").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    answer = client(https=True).get("/sign-in")
    assert "secure" in answer.headers["set-cookie"].lower()
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize(
    ("host", "settings", "status"),
    [
        ("127.0.0.1:8765", {}, 200),
        ("localhost", {}, 200),
        ("[::1]:8765", {}, 200),
        ("evil.example", {}, 421),
        ("127.0.0.1.evil.example:8765", {}, 421),
        ("", {}, 421),
        ("forms.example", {"public_names": ("forms.example",)}, 200),
        ("evil.example", {"public_names": ("forms.example",)}, 421),
    ],
)
def test_a_name_that_is_not_the_servers_own_is_refused(client: Client, host: str, settings: dict, status: int) -> None:
    assert client(**settings).get("/sign-in", headers={"host": host}).status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_in_front_of_an_open_page_is_refused(client: Client, ledger: Ledger, header: str) -> None:
    ledger.users().add(f"Behind a proxy with {header}", "", Role.REVIEWER)
    assert client().get("/sign-in", headers={header: "10.0.0.1"}).status_code == 403
    settings = {"user_header": "X-User"}
    assert client(**settings).get("/sign-in", headers={header: "10.0.0.1"}).status_code == 200


def test_a_body_that_is_too_large_or_of_unknown_length_is_refused(client: Client) -> None:
    browser = client()
    assert browser.post("/sign-in", content=b"x" * 1_000_001).status_code == 413
    assert browser.post("/sign-in", content=iter([b"x"])).status_code == 413


@pytest.mark.parametrize(("host", "name"), [("A.example:80", "a.example"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]")])
def test_a_host_header_is_a_name_and_perhaps_a_port(host: str, name: str) -> None:
    assert host_name(host) == name
