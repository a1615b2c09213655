"""What the pages show, and what the script is told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from forms.rules import CheckDigit, CheckScheme, DateRule, Roster
from forms.template import Box, Field, FieldKind, FormTemplate
from ledger.ledger import Ledger
from ledger.review.types import Place, Scope, Seat
from reading.readings import Reason
from review.form_library import FormLibrary
from review.reason_words import WORDS, in_words
from review.rule_words import rule_in_words
from review.surroundings import NotThere, Surroundings
from tests.review.recorded import Doubt, record
from tests.review.signing_in import csrf, sign_in

DESK = "desk=deskdesk"


@pytest.fixture
def anna(client: Callable[..., TestClient]) -> TestClient:
    browser = client()
    sign_in(browser, "Anna", "")
    browser.headers["X-CSRF-Token"] = browser.get("/api/session").json()["csrf"]
    return browser


def items(browser: TestClient, batch: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = browser.get(f"/api/items?batch={batch}&{DESK}").json()["items"]
    return found


def answer(browser: TestClient, batch: int, item: str, value: str, **more: Any) -> Any:
    said = {"id": uuid4().hex, "item": item, "verdict": "value", "value": value, "seconds": 2.0, **more}
    return browser.post(f"/api/answers?batch={batch}&{DESK}", json=said)


def test_an_item_shows_its_label_rule_reason_and_doubtful_digit(anna: TestClient, url: str) -> None:
    batch = record(url, [Doubt("412", reason=Reason.READERS_DISAGREE)])
    (item,) = items(anna, batch)
    html = item["html"]
    assert '<h1 id="label">Amount</h1>' in html
    assert "Pay slip" in html
    assert "1 to 4 digits; from 1 to 500." in html
    assert WORDS[Reason.READERS_DISAGREE] in html
    assert re.search(r'<rect class="doubt" x="48" y="6" width="22" height="28"', html)  # its last digit, and a margin
    assert 'data-doubtful="2"' in html


@pytest.mark.parametrize("doubt", [Doubt("412", 0.3), Doubt("412", two_keys=True)])
def test_a_hidden_guess_is_nowhere_on_the_page(anna: TestClient, url: str, doubt: Doubt) -> None:
    (item,) = items(anna, record(url, [doubt]))
    told = re.sub(r"data:image/png;base64,[^\"]+", "", item["html"])
    assert "412" not in told
    assert 'data-doubtful=""' in told


def test_the_audit_sample_looks_like_everything_else(anna: TestClient, url: str) -> None:
    batch = record(url, [Doubt("412", 0.99, reason=Reason.AUDIT_SAMPLE)])
    (item,) = items(anna, batch)
    told = re.sub(r"data:image/png;base64,[^\"]+", "", item["html"])
    assert "audit" not in told
    assert WORDS[Reason.LOW_CONFIDENCE] in told
    assert "0.99" not in told


def test_an_answer_that_breaks_a_rule_is_recorded_when_it_is_confirmed(
    anna: TestClient, url: str, ledger: Ledger
) -> None:
    batch = record(url, [Doubt("412")])
    (item,) = items(anna, batch)
    asked = anna.get(f"/api/check?{DESK}&item={item['item']}&value=501").json()
    assert asked == {"broken": [WORDS[Reason.OUT_OF_RANGE]]}
    refused = answer(anna, batch, item["item"], "501")
    assert (refused.status_code, refused.json()["problem"]) == (409, "broken")
    assert refused.json()["broken"] == asked["broken"]
    place = Place(*map(int, item["item"].split("-")))
    assert ledger.review().history(place) == []
    assert answer(anna, batch, item["item"], "501", confirmed=True).status_code == 200
    (change,) = ledger.review().history(place)
    assert change.overrides == ("out_of_range",)


def test_what_is_sent_again_is_recorded_once(anna: TestClient, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("412")])
    (item,) = items(anna, batch)
    key = uuid4().hex
    told = [answer(anna, batch, item["item"], "412", id=key).json()["known"] for _ in range(3)]
    assert told == [False, True, True]
    assert len(ledger.review().history(Place(*map(int, item["item"].split("-"))))) == 1


def test_who_answers_after_somebody_else_is_told(client: Callable[..., TestClient], url: str) -> None:
    batch = record(url, [Doubt("412")])
    browsers = [client() for _ in range(3)]
    for number, browser in enumerate(browsers):
        sign_in(browser, f"Reviewer {number}", "")
        browser.headers["X-CSRF-Token"] = csrf(browser, "/")
    (item,) = items(browsers[0], batch)
    told = [answer(browser, batch, item["item"], "41").json()["late"] for browser in browsers]
    assert told == [False, False, True]  # the second counts as a second key


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"value": "12x"}, 422),
        ({"verdict": "retracted"}, 422),
        ({"item": "../etc"}, 422),
        ({"item": "999999-0"}, 409),
        ({"seconds": -1}, 422),
        ({"id": ""}, 422),
        ({"surprise": 1}, 422),
    ],
)
def test_what_the_page_would_never_say_is_refused(anna: TestClient, url: str, change: dict, status: int) -> None:
    batch = record(url, [Doubt("412")])
    said = {"id": uuid4().hex, "item": "1-0", "verdict": "value", "value": "1", "seconds": 1} | change
    refused = anna.post(f"/api/answers?batch={batch}&{DESK}", json=said)
    assert refused.status_code == status
    assert refused.json()["text"]


def test_two_tabs_of_one_person_hold_different_fields(anna: TestClient, url: str) -> None:
    batch = record(url, [Doubt("1"), Doubt("2")])
    one = anna.get(f"/api/items?batch={batch}&desk=tab-one-").json()["items"]
    two = anna.get(f"/api/items?batch={batch}&desk=tab-two-").json()["items"]
    again = anna.get(f"/api/items?batch={batch}&desk=tab-one-").json()["items"]
    assert one[0]["item"] == again[0]["item"] != two[0]["item"]


def test_what_was_read_and_said_is_escaped(anna: TestClient, url: str) -> None:
    record(url, [Doubt("1")], source="/scans/<script>alert(1)<")
    page = anna.get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_settled_answer_can_be_changed_on_purpose(anna: TestClient, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("412")])
    (item,) = items(anna, batch)
    answer(anna, batch, item["item"], "411")
    history = anna.get(f"/field?item={item['item']}").text
    assert f"/review?batch={batch}&amp;item={item['item']}" in history
    page = anna.get(f"/review?batch={batch}&{DESK}&item={item['item']}").text
    seen = re.search(r'data-seen="(\d+)"', page)
    assert seen
    answer(anna, batch, item["item"], "413", seen=int(seen.group(1)))
    place = Place(*map(int, item["item"].split("-")))
    assert [(c.was, c.value) for c in ledger.review().history(place)] == [("412", "411"), ("411", "413")]


def scanned_form(folder: Path, form: FormTemplate) -> tuple[Path, str]:
    """A filled page of the form, upside down, as a file; and its sha256."""
    page = cv2.imread(str(form.blank), cv2.IMREAD_GRAYSCALE)
    cv2.putText(page, "412", (130, 170), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 20, 3, cv2.LINE_AA)
    file = folder / "0.png"
    cv2.imwrite(str(file), cv2.rotate(page, cv2.ROTATE_180))
    return file, hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_page_around_a_field_is_cut_out_of_its_scan(
    forms: tuple[FormTemplate, ...], url: str, ledger: Ledger, tmp_path: Path
) -> None:
    file, sha256 = scanned_form(tmp_path, forms[0])
    batch = record(url, [Doubt("412")], str(tmp_path))
    (item,) = ledger.review().next_items(Seat("Anna", "here"), Scope(batch=batch))
    found = Surroundings(FormLibrary(forms).form)
    picture = cv2.imdecode(np.frombuffer(found.picture(replace(item, sha256=sha256)), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (55 * 6, 120 * 6, 3)  # the field and 60 and 25 mm around it, as far as there is page
    field = picture[20 * 6 + 4 : 30 * 6 - 4, 20 * 6 + 4 : 60 * 6 - 4]
    assert (field.min(axis=2) < 90).mean() > 0.02  # the ink, the right way up and in its box
    assert (picture[:, :, 2].astype(int) - picture[:, :, 0] > 100).sum() > 500  # the outline
    with pytest.raises(NotThere, match="has changed"):
        Surroundings(FormLibrary(forms).form).picture(item)
    file.unlink()
    with pytest.raises(NotThere, match="no longer where it was read"):
        Surroundings(FormLibrary(forms).form).picture(item)
    with pytest.raises(NotThere, match="start formdigits review with --form"):
        Surroundings(FormLibrary(()).form).picture(item)


def test_a_scan_outside_of_its_folder_is_not_opened(
    forms: tuple[FormTemplate, ...], url: str, ledger: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "scans").mkdir()
    _, sha256 = scanned_form(tmp_path, forms[0])
    batch = record(url, [Doubt("412")], str(tmp_path / "scans"))
    (item,) = ledger.review().next_items(Seat("Anna", "here"), Scope(batch=batch))
    with pytest.raises(NotThere, match="no longer where it was read"):
        Surroundings(FormLibrary(forms).form).picture(replace(item, scan="../0.png", sha256=sha256))


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({}, "1 to 8 digits"),
        ({"min_length": 7, "max_length": 8}, "7 or 8 digits"),
        ({"min_length": 1, "max_length": 1}, "1 digit"),
        ({"min_length": 7, "max_length": 7, "pattern": r"\d{7}"}, "7 digits"),
        ({"pattern": r"1\d*"}, r"1 to 8 digits; pattern 1\d*"),
        ({"check_digit": CheckDigit(CheckScheme.LUHN), "required": False}, "a Luhn check digit; may be empty"),
        ({"date": DateRule(("ddmmyyyy",), date(2025, 1, 1), date(2025, 6, 30))}, "2025-01-01 to 2025-06-30"),
        ({"roster": Roster(frozenset({"1", "2"}))}, "one of 2 known values"),
    ],
)
def test_rules_in_words(stated: dict, words: str) -> None:
    field = replace(Field("f", FieldKind.COMB, (Box(0, 0, 5, 5),), 1, 8), **stated)
    assert rule_in_words(field).endswith(words)


def test_every_reason_has_its_words_and_the_audit_sample_those_of_doubt() -> None:
    assert set(WORDS) == set(Reason)
    assert in_words(["audit_sample", "low_confidence"]) == [WORDS[Reason.LOW_CONFIDENCE]]
    assert in_words(["of_a_newer_version"]) == ["of_a_newer_version"]
