"""What people meet who cannot see the page well, or press keys only: by axe-core, and by the browser's own tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from ledger.ledger import Ledger
from ledger.review.types import Answer, Scope, Seat, Verdict
from ledger.review.users import Role
from tests.review.recorded import Doubt, record

pytestmark = pytest.mark.browser

Person = Callable[[str], Any]
WIDE, NARROW = {"width": 1000, "height": 700}, {"width": 360, "height": 640}
LOOKS = ((WIDE, "light"), (NARROW, "dark"), (NARROW, "light"), (WIDE, "dark"))
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"label-content-name-mismatch": {"enabled": True}},  # WCAG 2.5.3, which axe-core holds for experimental
}
WORKED = {"button", "link", "textbox", "checkbox", "combobox"}


@pytest.fixture
def batch(url: str) -> int:
    """Fields of each kind: with a guess and without, alike, and one that two people read differently."""
    number = record(url, [Doubt("123", 0.2, two_keys=True), Doubt("412", 0.6), Doubt("7", 0.7), Doubt("7", 0.8)])
    with Ledger.open(url) as ledger:
        review = ledger.review()
        for name, value in (("Xaver", "123"), ("Yvonne", "128")):
            seat = Seat(name, name)
            (item,) = review.next_items(seat, Scope(batch=number))
            review.save(seat, Answer(item.place, uuid4().hex, Verdict.VALUE, value, 2.0))
            review.release(seat)
    return number


def item_at(page: Any, batch: int) -> Any:
    page.goto(f"/review?batch={batch}")
    page.wait_for_selector("#value:focus")
    return page


def stopped(page: Any, batch: int) -> None:
    item_at(page, batch)
    page.keyboard.type("999")
    page.keyboard.press("Enter")
    page.wait_for_selector("#problem.stop")


def helped(page: Any, batch: int) -> None:
    item_at(page, batch).keyboard.press("h")
    page.wait_for_selector("dialog[open]")


def lost(page: Any, batch: int) -> None:
    item_at(page, batch).route("**/api/skips*", lambda route: route.abort())
    page.keyboard.press("s")
    page.wait_for_selector(".notice.lost")


def carpet(page: Any, batch: int) -> None:
    page.goto(f"/carpet?batch={batch}&value=7")
    page.wait_for_selector("#carpet [data-item]:focus")
    page.keyboard.press("Space")


def history(page: Any, batch: int) -> None:
    item = item_at(page, batch).get_attribute(".item", "data-item")
    page.goto(f"/field?item={item}")


def at(path: str) -> Callable[[Any, int], None]:
    return lambda page, batch: page.goto(path.format(batch=batch))


VIEWS = {
    "queue": at("/"),
    "item": item_at,
    "a rule that stops": stopped,
    "help": helped,
    "lost network": lost,
    "values": at("/values?batch={batch}"),
    "carpet": carpet,
    "history": history,
    "statistics": at("/statistics"),
    "reasons": at("/help"),
    "sign-in": at("/sign-in"),
    "nowhere": at("/field?item=999999-0"),
    "nothing left": at("/review?form=nowhere"),
}


@pytest.fixture
def page(person: Person) -> Iterator[Any]:
    opened = person("Zoe")
    opened.set_default_timeout(10_000)
    yield opened
    opened.evaluate("localStorage.clear()")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_keeps_the_rules_of_wcag(page: Any, batch: int, view: str) -> None:
    VIEWS[view](page, batch)
    assert violations(page) == []


def violations(page: Any) -> list[str]:
    """What axe-core finds, on wide and narrow screens, light and dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core to test with").Axe()
    found = []
    for size, colours in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=colours)
        for broken in axe.run(page, options=RULES).response["violations"]:
            found += [f"{size['width']} {colours} {broken['id']}: {node['html'][:160]}" for node in broken["nodes"]]
    return found


def test_that_faults_would_be_found(page: Any, batch: int) -> None:
    item_at(page, batch)
    page.evaluate("""() => {
      document.querySelector("#rule").style.color = "#bbb";
      document.querySelector(".keys button:last-child").textContent = "";
      document.querySelector(".keys button").setAttribute("aria-label", "Do");
    }""")
    found = " ".join(violations(page))
    assert [name in found for name in ("color-contrast", "button-name", "label-content-name-mismatch")] == [True] * 3


def test_the_sign_in_with_a_password(page: Any, client: Callable[..., Any], ledger: Ledger) -> None:
    ledger.users().add(f"Somebody {uuid4().hex}", "", Role.ADMIN)
    html = client(login=True).get("/sign-in").text
    page.route("**/sign-in", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("/sign-in")
    assert page.locator("#password").is_visible()
    assert violations(page) == []


def test_the_page_is_not_wider_than_a_small_screen(page: Any, batch: int) -> None:
    page.set_viewport_size(NARROW)
    for view in ("carpet", "item", "queue", "statistics"):
        VIEWS[view](page, batch)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], view


def tree(page: Any) -> list[dict[str, Any]]:
    """The browser's accessibility tree: what it tells a screen reader."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    return [node for node in nodes if not node.get("ignored")]


def told(page: Any) -> str:
    """What a screen reader says of the thing that has the focus: its name, role, value and description."""
    (node,) = (n for n in tree(page) if n["role"]["value"] != "RootWebArea" and _has(n, "focused"))
    parts = (node.get(part, {}).get("value", "") for part in ("name", "role", "value", "description"))
    return "; ".join(str(part) for part in parts)


def _has(node: dict[str, Any], name: str) -> bool:
    return any(each["name"] == name and each["value"]["value"] for each in node.get("properties", ()))


def test_everything_that_can_be_pressed_has_a_name(page: Any, batch: int) -> None:
    item_at(page, batch)
    worked = [node for node in tree(page) if node["role"]["value"] in WORKED]
    assert len(worked) > 10
    assert [node for node in worked if not node["name"]["value"].strip()] == []


def test_tab_goes_through_the_item_in_the_order_of_the_page(page: Any, batch: int) -> None:
    item_at(page, batch)
    met = []
    while not (met and met[-1].startswith("Help")):
        page.keyboard.press("Tab")
        met.append(told(page).split(";")[0])
    assert met == ["Save Enter", "Illegible I", "Blank B", "Struck out X", "Skip S", "Undo U", "Page P", "Help H"]
    for _ in met[1:]:
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "value"


def test_the_next_field_is_read_out_as_it_comes(person: Person, url: str) -> None:
    page = item_at(person("Anna"), record(url, [Doubt("41", 0.6), Doubt("900", 0.7)]))
    assert told(page) == (
        "Amount Is this right?; textbox; 41; 1 to 4 digits; from 1 to 500. It is not sure enough what is written."
    )
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#value')?.value === '900'")
    assert told(page).startswith("Amount Is this right?; textbox; 900; 1 to 4 digits")
    assert "smaller or larger" not in told(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("#problem.stop")
    assert "smaller or larger" in told(page)
    assert heard(page, "Press Enter again") == "alert"
    page.keyboard.press("Enter")
    page.wait_for_selector(".done")
    assert told(page).startswith("All is done here; heading")


def test_what_happens_elsewhere_is_said_by_live_regions(page: Any, batch: int) -> None:
    carpet(page, batch)
    assert heard(page, "1 marked as different") == "status"
    lost(page, batch)
    assert heard(page, "1 answer is kept in this browser") == "status"


def heard(page: Any, text: str) -> str:
    """The role of the live region that holds ``text``."""
    script = """text => [...document.querySelectorAll("[role=alert], [role=status]")]
      .find(region => region.textContent.includes(text))?.role ?? "" """
    return str(page.evaluate(script, text))
