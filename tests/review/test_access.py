"""Who gets in, and what they may do there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from ledger.ledger import Ledger
from ledger.review.types import Answer, Scope, Seat, Verdict
from ledger.review.users import Role
from review.app import create_app
from review.login_limit import FAILURES, WINDOW_S, LoginLimit
from review.passwords import is_password, password_hash
from review.settings import ReviewError, ReviewSettings
from tests.review.recorded import Doubt, record
from tests.review.signing_in import PASSWORD, csrf, sign_in

Client = Callable[..., TestClient]


@pytest.fixture(scope="module", autouse=True)
def _accounts(url: str) -> None:
    kept = password_hash(PASSWORD)
    with Ledger.open(url) as ledger:
        for name, role in (("Rita", Role.REVIEWER), ("Adam", Role.ADJUDICATOR), ("Gone", Role.ADMIN)):
            ledger.users().add(name, kept, role)
        ledger.users().add("Proxied", "", Role.REVIEWER)
        ledger.users().disable("Gone")


def test_loopback_asks_for_a_name_alone(client: Client) -> None:
    browser = client()
    assert browser.get("/").headers["location"].endswith("/sign-in?to=%2F")
    assert browser.get("/api/session").status_code == 401
    assert sign_in(browser, "Anybody", "") == 303
    assert browser.get("/api/session").json()["person"] == "Anybody"


@pytest.mark.parametrize(
    ("name", "password", "status"),
    [
        ("Rita", PASSWORD, 303),
        ("RITA ", PASSWORD, 303),
        ("Rita", "wrong", 403),
        ("Nobody", PASSWORD, 403),
        ("Gone", PASSWORD, 403),
        ("Proxied", "", 403),
        (" ", PASSWORD, 403),
    ],
)
def test_a_password_is_asked_for_elsewhere(client: Client, name: str, password: str, status: int) -> None:
    browser = client(host="forms.example", login=True, public_names=("forms.example",))
    assert sign_in(browser, name, password) == status
    assert browser.get("/api/session").status_code == (200 if status == 303 else 401)


def test_a_session_ends_with_the_password_or_the_account(client: Client, ledger: Ledger) -> None:
    ledger.users().add("Short", password_hash(PASSWORD), Role.REVIEWER)
    browser = client(login=True)
    assert sign_in(browser, "Short") == 303
    assert browser.get("/").status_code == 200
    ledger.users().set_password("Short", password_hash("another password"))
    assert browser.get("/").status_code == 303
    assert sign_in(browser, "Short", "another password") == 303
    ledger.users().disable("Short")
    assert browser.get("/").status_code == 303


def test_a_forged_or_changed_cookie_is_none(client: Client) -> None:
    browser = client(login=True)
    sign_in(browser, "Rita")
    cookie = browser.cookies["formdigits_review"]
    for forged in (cookie[:-2] + "xx", "eyJuYW1lIjogIkFkYW0ifQ==.aaaa.bbbb", ""):
        assert client(login=True).get("/", headers={"cookie": f"formdigits_review={forged}"}).status_code == 303


def test_wrong_passwords_are_counted(client: Client) -> None:
    browser = client(login=True)
    assert [sign_in(browser, "Adam", "wrong") for _ in range(FAILURES)] == [403] * FAILURES
    assert sign_in(browser, "Adam") == 403  # even the right one, for now
    assert (
        "Too many wrong passwords"
        in browser.post("/sign-in", data={"name": "adam", "password": PASSWORD, "csrf": csrf(browser)}).text
    )
    assert sign_in(browser, "Rita") == 303


def test_guesses_are_forgotten_in_time_and_do_not_lock_others_out() -> None:
    now = [0.0]
    limit = LoginLimit(lambda: now[0])
    for _ in range(FAILURES):
        assert limit.wait_s("a", "here") == 0
        limit.failed("a", "here")
    assert limit.wait_s("a", "here") == WINDOW_S
    assert limit.wait_s("a", "there") == limit.wait_s("b", "here") == 0
    now[0] = WINDOW_S
    assert limit.wait_s("a", "here") == 0


def test_an_address_that_tries_many_names_waits() -> None:
    limit = LoginLimit(lambda: 0.0)
    for number in range(20):
        limit.failed(f"name {number}", "here")
    assert limit.wait_s("another", "here") == WINDOW_S


def test_the_header_of_a_trusted_proxy_alone_is_believed(client: Client) -> None:
    def status(peer: str, **headers: str) -> int:
        browser = client(peer, user_header="X-Remote-User", trusted_proxies=("10.0.0.5",))
        return browser.get("/", headers=headers).status_code

    assert status("10.0.0.5", **{"X-Remote-User": "Rita"}) == 200
    assert status("10.0.0.5", **{"X-Remote-User": "Proxied"}) == 200
    assert status("10.0.0.6", **{"X-Remote-User": "Rita"}) == 303
    assert status("10.0.0.5", **{"X-Remote-User": "Gone"}) == 303
    assert status("10.0.0.5") == 303


@pytest.mark.parametrize(
    ("settings", "accounts", "mend"),
    [
        ({"host": "0.0.0.0"}, 0, "users add"),
        ({"host": "192.168.1.5"}, 0, "127.0.0.1"),
        ({"host": "forms.example"}, 0, "users add"),
        ({"login": True}, 0, "users add"),
        ({"host": "0.0.0.0", "user_header": "X-User"}, 0, "users add"),
        ({"host": "0.0.0.0"}, 1, None),
        ({}, 0, None),
        ({"host": "::1"}, 0, None),
        ({"host": "127.0.0.2"}, 0, None),
    ],
)
def test_what_would_let_anybody_in_or_nobody_is_refused(settings: dict, accounts: int, mend: str | None) -> None:
    checked = ReviewSettings(**settings)
    if mend is None:
        checked.check(accounts)
    else:
        with pytest.raises(ReviewError, match=mend):
            checked.check(accounts)


@pytest.mark.parametrize(
    ("settings", "in_clear"),
    [
        ({}, False),
        ({"host": "localhost", "login": True}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "0.0.0.0", "https": True}, False),
        ({"host": "0.0.0.0", "certificate": Path("cert.pem")}, False),
    ],
)
def test_passwords_that_others_could_read_are_warned_of(settings: dict, in_clear: bool) -> None:
    assert ReviewSettings(**settings).in_clear is in_clear


def test_after_a_wrong_password_the_next_one_can_be_typed(client: Client) -> None:
    browser = client(login=True)
    form = {"name": "Rita", "password": "wrong", "csrf": csrf(browser)}
    assert re.search(r'id="password"[^>]* autofocus>', browser.post("/sign-in", data=form).text)
    assert re.search(r'id="name"[^>]* autofocus>', browser.get("/sign-in").text)


def test_disabled_accounts_do_not_open_a_server(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        ledger.users().add("Gone", "", Role.ADMIN)
        ledger.users().disable("Gone")
        with pytest.raises(ReviewError):
            create_app(ledger, ReviewSettings(host="0.0.0.0"))


def test_passwords_are_kept_as_argon2id() -> None:
    kept = password_hash(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert kept != password_hash(PASSWORD)
    assert is_password(PASSWORD, kept)
    assert not is_password("wrong horse staple", kept)
    assert not is_password("nobody has this one", None)
    assert not is_password("", "")
    with pytest.raises(ReviewError, match="too short"):
        password_hash("short")


def test_a_change_needs_the_key_of_the_session(client: Client, url: str) -> None:
    batch = record(url, [Doubt("12")])
    browser, other = client(), client()
    sign_in(browser, "Anna", "")
    sign_in(other, "Ben", "")
    query = f"batch={batch}&desk=deskdesk"
    (item,) = browser.get(f"/api/items?{query}").json()["items"]
    answer = {"id": uuid4().hex, "item": item["item"], "verdict": "value", "value": "12", "seconds": 1.0}

    def status(**headers: str) -> int:
        return browser.post(f"/api/answers?{query}", json=answer, headers=headers).status_code

    own = browser.get("/api/session").json()["csrf"]
    assert status() == 403
    assert status(**{"X-CSRF-Token": other.get("/api/session").json()["csrf"]}) == 403
    assert status(**{"X-CSRF-Token": own, "Sec-Fetch-Site": "cross-site"}) == 403
    assert status(**{"X-CSRF-Token": own}) == 200
    assert browser.post("/sign-out").status_code == 403
    assert browser.post("/sign-out", data={"csrf": own}).status_code == 303
    assert status(**{"X-CSRF-Token": own}) == 403
    assert browser.get("/api/session").status_code == 401


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_elsewhere(client: Client, to: str) -> None:
    browser = client()
    form = {"name": "Anna", "csrf": csrf(browser), "to": to}
    assert browser.post("/sign-in", data=form).headers["location"] == "/"


def test_reviewers_see_the_field_alone_unless_allowed(client: Client, url: str) -> None:
    batch = record(url, [Doubt("12", two_keys=True)])
    query = f"batch={batch}&desk=deskdesk"

    def seen(name: str, **settings: bool) -> tuple[int, int, bool]:
        browser = client(login=True, **settings)
        sign_in(browser, name)
        (item,) = browser.get(f"/api/items?{query}").json()["items"]
        around = browser.get(f"/api/around?{query}&item={item['item']}").status_code
        history = browser.get(f"/field?item={item['item']}").status_code
        token = browser.get("/api/session").json()["csrf"]
        browser.post(f"/api/skips?{query}", json={"item": item["item"]}, headers={"X-CSRF-Token": token})
        return around, history, "0.png" in item["html"]

    assert seen("Rita") == (403, 403, False)
    assert seen("Rita", show_pages=True) == (404, 403, True)
    assert seen("Adam") == (404, 200, True)  # the scan is gone, and is said to be


def test_other_peoples_figures_are_for_adjudicators(client: Client, url: str) -> None:
    batch = record(url, [Doubt("12")])
    adam, rita = client(login=True), client(login=True)
    sign_in(adam, "Adam")
    sign_in(rita, "Rita")
    query = f"batch={batch}&desk=deskdesk"
    (item,) = adam.get(f"/api/items?{query}").json()["items"]
    said = {"id": uuid4().hex, "item": item["item"], "verdict": "value", "value": "12", "seconds": 1.0}
    token = {"X-CSRF-Token": csrf(adam, "/")}
    assert adam.post(f"/api/answers?{query}", json=said, headers=token).status_code == 200
    assert '<th scope="row">Adam' in adam.get("/statistics").text
    assert '<th scope="row">Adam' not in rita.get("/statistics").text


def test_known_answers_are_chosen_by_admins(client: Client, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("12", two_keys=True)])
    for name in ("Key One", "Key Two"):
        seat = Seat(name, name)
        (item,) = ledger.review().next_items(seat, Scope(batch=batch))
        ledger.review().save(seat, Answer(item.place, uuid4().hex, Verdict.VALUE, "12"))
    anybody, adam = client(), client(login=True)
    sign_in(anybody, "Anybody", "")
    sign_in(adam, "Adam")
    assert adam.post("/known", data={"count": 5, "csrf": csrf(adam, "/")}).status_code == 403
    chosen = anybody.post("/known", data={"count": 5, "csrf": csrf(anybody, "/")})
    assert chosen.headers["location"] == "/statistics?known=1"
    assert "1 field has become known answers" in anybody.get("/statistics?known=1").text


def test_reviewers_look_back_at_their_own_answers_alone(client: Client, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("12", 0.6), Doubt("34", 0.7)])
    review = ledger.review()
    for name in ("Rita", "Adam"):
        seat = Seat(name, name)
        (item,) = review.next_items(seat, Scope(batch=batch))
        review.save(seat, Answer(item.place, uuid4().hex, Verdict.VALUE, "12"))
    own, others = (f"{field.page_id}-{field.position}" for field in ledger.fields(batch, "slip", "amount"))
    browser = client(login=True)
    sign_in(browser, "Rita")
    for address in ("/field?item={}", f"/review?batch={batch}&desk=deskdesk&item={{}}"):
        assert browser.get(address.format(own)).status_code == 200
        assert browser.get(address.format(others)).status_code == 403
