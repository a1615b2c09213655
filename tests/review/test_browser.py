"""The review in a real browser, against a real server: what people press, see and keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.ledger import Ledger
from ledger.review.types import Place, Scope, Verdict
from tests.review.recorded import Doubt, record

pytestmark = pytest.mark.browser

Person = Callable[[str], Any]
# Whether the next field is there, or the news that there is none.
NEXT = """before => {
  const item = document.querySelector("#desk .item");
  return item ? item.dataset.item !== before : document.querySelector("#desk .done") !== null;
}"""


def at_desk(page: Any, batch: int) -> Any:
    page.goto(f"/review?batch={batch}")
    page.wait_for_selector("#value:focus")
    return page


def item(page: Any) -> str:
    return str(page.get_attribute(".item", "data-item"))


def press(page: Any, *keys: str) -> None:
    """Press keys that answer, and wait for what comes next."""
    before = item(page)
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function(NEXT, arg=before)


def shown(page: Any) -> str:
    return str(page.input_value("#value"))


def says(page: Any, selector: str, text: str) -> None:
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)", arg=[selector, text]
    )


def arrived(page: Any) -> None:
    """Everything that was answered has reached the server."""
    page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('formdigits unsent'))")


def given(ledger: Ledger, batch: int) -> list[tuple[str, str, str]]:
    """What the ledger holds of a batch, (verdict, value, overrides), in the order of the pages."""
    review, found = ledger.review(), []
    for place in places(ledger, batch):
        found += [(str(c.verdict), c.value, ";".join(c.overrides)) for c in review.history(place)]
    return found


def places(ledger: Ledger, batch: int) -> list[Place]:
    return [Place(field.page_id, field.position) for field in ledger.fields(batch, "slip", "amount")]


def test_a_whole_review_by_keyboard_alone(person: Person, url: str, ledger: Ledger) -> None:
    doubts = [
        Doubt("17", 0.3),
        Doubt("250", 0.6),
        Doubt("38", 0.7),
        Doubt("900", 0.75),
        Doubt("5", 0.8),
        Doubt("41", 0.9),
    ]
    batch = record(url, doubts)
    page = person("Anna")
    page.goto("/")
    review = page.locator(f"a[href='/review?batch={batch}']")
    for _ in range(400):  # to the batch's link by Tab alone
        page.keyboard.press("Tab")
        if review.evaluate("link => link === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#value:focus")
    assert shown(page) == ""  # too unsure to be shown
    press(page, "1", "8", "Backspace", "7", "Enter")
    assert shown(page) == "250"
    press(page, "Enter")
    assert shown(page) == "38"
    press(page, "Tab", "9", "Enter")  # the doubtful digit only
    assert shown(page) == "900"
    page.keyboard.press("Enter")
    says(page, "#problem.stop", "smaller or larger than the form allows")
    press(page, "Enter")
    press(page, "s")  # the 5 comes again behind the 41
    assert shown(page) == "41"
    press(page, "i")
    assert shown(page) == "5"
    press(page, "x")
    says(page, "h1", "All is done")
    arrived(page)
    assert given(ledger, batch) == [
        ("value", "17", ""),
        ("value", "250", ""),
        ("value", "39", ""),
        ("value", "900", "out_of_range"),
        ("struck_out", "", ""),
        ("illegible", "", ""),
    ]


def test_rules_are_told_as_one_types(person: Person, url: str) -> None:
    page = at_desk(person("Anna"), record(url, [Doubt("12")]))
    page.keyboard.type("501")
    says(page, "#problem", "smaller or larger")
    page.keyboard.press("Backspace")
    says(page, "#problem", "")
    page.keyboard.press("h")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#value").evaluate("field => field === document.activeElement")


def test_two_reviewers_at_once(person: Person, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt(str(n), 0.5 + n / 100) for n in range(10, 22)])
    anna, ben = (at_desk(person(name), batch) for name in ("Anna", "Ben"))
    seen = []
    for _ in range(4):
        for page in (anna, ben):
            seen.append(item(page))
            assert item(anna) != item(ben)
            press(page, "Enter")
    for page in (anna, ben):
        arrived(page)
    assert len(set(seen)) == 8
    assert ledger.review().progress(Scope(batch=batch)).settled == 8
    assert len(given(ledger, batch)) == 8


def test_two_keys_with_a_disagreement(person: Person, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("123", 0.9, two_keys=True)])
    anna, ben, carla = (person(name) for name in ("Anna", "Ben", "Carla"))
    at_desk(anna, batch)
    assert shown(anna) == ""
    anna.keyboard.type("123")
    anna.keyboard.press("Enter")
    says(anna, "h1", "Nothing is left for you here")  # the second key is another person's
    at_desk(ben, batch)
    assert shown(ben) == ""
    assert "Anna" not in ben.content()
    ben.keyboard.type("128")
    ben.keyboard.press("Enter")
    says(ben, "h1", "Nothing is left for you here")
    at_desk(carla, batch)
    assert "Anna" in carla.inner_text(".given")
    assert "Ben" in carla.inner_text(".given")
    carla.keyboard.press("g")
    carla.keyboard.press("Enter")
    says(carla, "h1", "All is done")
    arrived(carla)
    (place,) = places(ledger, batch)
    assert [(c.reviewer, c.value, int(c.stage)) for c in ledger.review().history(place)] == [
        ("Anna", "123", 1),
        ("Ben", "128", 2),
        ("Carla", "128", 3),
    ]


def test_undo_brings_the_field_back(person: Person, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("11", 0.6), Doubt("22", 0.7)])
    page = at_desk(person("Anna"), batch)
    first = item(page)
    press(page, "9", "Enter")
    page.reload()
    page.wait_for_selector("#value:focus")
    press(page, "u")
    assert (item(page), shown(page)) == (first, "9")
    press(page, "1", "1", "Enter")
    assert shown(page) == "22"
    arrived(page)
    history = ledger.review().history(places(ledger, batch)[0])
    assert [(c.verdict, c.value) for c in history] == [
        (Verdict.VALUE, "9"),
        (Verdict.RETRACTED, ""),
        (Verdict.VALUE, "11"),
    ]
    page.goto(f"/field?item={first}")
    assert page.locator("tbody tr").count() == 3


def test_a_network_lost_in_the_middle_of_a_save(person: Person, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("11", 0.6), Doubt("22", 0.7), Doubt("33", 0.8)])
    page = at_desk(person("Anna"), batch)
    page.wait_for_timeout(300)  # the next fields are here

    def swallow(route: Any) -> None:
        route.fetch()  # the server has it
        route.abort()  # and nobody hears of it

    page.route("**/api/answers*", swallow)
    press(page, "Enter")
    assert shown(page) == "22"  # work goes on
    says(page, ".notice.lost", "1 answer is kept in this browser")
    page.unroute("**/api/answers*")
    page.route("**/api/answers*", lambda route: route.abort())
    press(page, "Enter")
    says(page, ".notice.lost", "2 answers are kept in this browser")
    page.reload()
    page.wait_for_selector("#value:focus")
    says(page, ".notice.lost", "2 answers are kept in this browser")
    assert shown(page) == "33"  # not a field that is answered already
    page.unroute("**/api/answers*")
    arrived(page)
    page.wait_for_selector(".notice.lost", state="detached")
    assert given(ledger, batch) == [("value", "11", ""), ("value", "22", "")]


def test_a_reload_at_any_moment(person: Person, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("11", 0.6), Doubt("22", 0.7), Doubt("33", 0.8)])
    page = at_desk(person("Anna"), batch)
    first = item(page)
    page.keyboard.type("4")
    page.reload()
    page.wait_for_selector("#value:focus")
    assert item(page) == first
    page.keyboard.press("Enter")
    page.reload()  # while the answer is on its way
    page.wait_for_selector("#value:focus")
    page.wait_for_function("() => document.querySelector('#value')?.value === '22'")
    arrived(page)
    assert given(ledger, batch) == [("value", "11", "")]


def test_a_carpet_with_an_odd_one(person: Person, url: str, ledger: Ledger) -> None:
    batch = record(url, [Doubt("7", 0.6), Doubt("7", 0.65), Doubt("7", 0.7), Doubt("8", 0.9)])
    page = person("Anna")
    page.goto(f"/values?batch={batch}")
    page.click("text=Look at them")
    page.wait_for_selector("#carpet [data-item]:focus")
    assert page.locator(".carpet button").count() == 3
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    says(page, "#odd", "1 marked")
    page.keyboard.press("Enter")
    page.wait_for_selector("#value:focus")  # the odd one is looked at alone
    press(page, "1", "Enter")
    arrived(page)
    assert sorted(value for _, value, _ in given(ledger, batch)) == ["1", "7", "7"]
