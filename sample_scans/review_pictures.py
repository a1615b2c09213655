"""Pictures of the review page over the sample scans: ``python -m sample_scans.review_pictures [--out docs/pictures]``.

The scans are read into a ledger of its own, the real server is started, and a real browser (Debian's chromium, driven
by Playwright) presses the keys that docs/review.md speaks of.
"""

from __future__ import annotations

import argparse
import csv
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
COLOURS = 128  # enough for grey pictures with a few colours, and a third of the bytes
LONGEST_PX = 1100
WIDE, NARROW = {"width": 1000, "height": 700}, {"width": 400, "height": 760}
SIGN_IN = {"width": 640, "height": 380}
# Whether the next field is there, or the news that there is none.
NEXT = """before => {
  const item = document.querySelector("#desk .item");
  return item ? item.dataset.item !== before : document.querySelector("#desk .done") !== null;
}"""


class Photographer:
    """Takes pictures of pages into a folder."""

    def __init__(self, out: Path):
        self._out = out

    def take(self, page: Page, name: str) -> None:
        """The page as ``name``.png, or the beginning of a long one."""
        page.wait_for_load_state("networkidle")
        picture = Image.open(BytesIO(page.screenshot(full_page=True, animations="disabled"))).convert("RGB")
        picture = picture.crop((0, 0, picture.width, min(picture.height, LONGEST_PX)))
        small = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        small.save(self._out / f"{name}.png", optimize=True)
        print(self._out / f"{name}.png")


def command(*arguments: str | Path) -> list[str]:
    """The ``formdigits`` command of this interpreter."""
    return [sys.executable, "-m", "flows.cli", *map(str, arguments)]


def two_keys(form: Path, folder: Path, field: str) -> Path:
    """A copy of a sample form in which ``field`` is keyed by two people."""
    copy = folder / form.name
    shutil.copytree(form, copy)
    text = (copy / "form.toml").read_text()
    (copy / "form.toml").write_text(text.replace(f'name = "{field}"\n', f'name = "{field}"\ntwo_keys = true\n'))
    return copy


def digitize(forms: dict[Path, tuple[str, ...]], ledger: str, out: Path) -> None:
    """Read the scans of each form into one ledger, with the options that stand beside it."""
    for form, options in forms.items():
        asked = ["digitize", form / "scans", "--form", form, "--out", out / form.name, "--ledger", ledger, *options]
        subprocess.run(command(*asked), check=False, stdout=subprocess.DEVNULL)  # some sample scans cannot be read


@contextmanager
def served(ledger: str, forms: list[Path], *options: str) -> Iterator[str]:
    """The review page's address while it runs with these options."""
    named = [part for form in forms for part in ("--form", form)]
    asked = command("review", "--ledger", ledger, "--port", "0", *named, *options)
    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+?/", process.stderr.readline())
        assert found is not None, "formdigits review says its address first"
        try:
            yield found.group()
        finally:
            process.terminate()


def somebody(browser: Browser, address: str, name: str, size: Any, **options: Any) -> Page:
    """A browser of somebody who has said their name."""
    page = browser.new_context(base_url=address, viewport=size, **options).new_page()
    page.goto("/")
    page.fill("#name", name)
    page.keyboard.press("Enter")
    page.wait_for_selector("nav")
    return page


def at_desk(page: Page, form: str) -> Page:
    """The page at a desk for one form."""
    page.goto(f"/review?form={form}")
    page.wait_for_selector("#value:focus")
    return page


def press(page: Page, *keys: str) -> None:
    """Press keys that answer, and wait for the next field."""
    before = page.get_attribute(".item", "data-item")
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function(NEXT, arg=before)


def until(page: Page, wanted: str) -> None:
    """Skip fields until one is as wanted, a condition in JavaScript on ``item``, its data."""
    for _ in range(60):
        if page.evaluate(f"(() => {{ const item = document.querySelector('.item').dataset; return {wanted}; }})()"):
            return
        press(page, "s")


def take_all(browser: Browser, address: str, photographer: Photographer) -> None:
    """Every view."""
    anna, ben, carla = (somebody(browser, address, name, WIDE) for name in ("Anna", "Ben", "Carla"))
    _one_field(at_desk(anna, "patient"), photographer)
    _lost(at_desk(anna, "patient"), photographer)
    _two_keys(anna, ben, carla, photographer)
    _carpet(ben, photographer)
    anna.goto("/")
    photographer.take(anna, "review-queue")
    anna.goto("/statistics")
    photographer.take(anna, "review-statistics")
    dark = somebody(browser, address, "Dora", NARROW, color_scheme="dark", is_mobile=True, has_touch=True)
    until(at_desk(dark, "notes"), "item.guess")
    photographer.take(dark, "review-small-and-dark")


def _one_field(page: Page, photographer: Photographer) -> None:
    until(page, "item.guess && item.doubtful && item.broken === '[]'")
    page.keyboard.press("Tab")
    photographer.take(page, "review-guess")
    press(page, "Enter")
    until(page, "!item.guess && document.querySelector('.doubt')")
    page.keyboard.press("p")
    page.wait_for_selector("#around img")
    photographer.take(page, "review-blind")
    page.keyboard.press("p")
    page.keyboard.type("9999")
    page.keyboard.press("Enter")
    page.wait_for_selector("#problem.stop")
    photographer.take(page, "review-rule")
    press(page, "i")
    page.keyboard.press("h")
    photographer.take(page, "review-help")
    page.keyboard.press("Escape")


def _lost(page: Page, photographer: Photographer) -> None:
    page.wait_for_timeout(1000)  # the next fields are here
    page.route("**/api/answers*", lambda route: route.abort())
    press(page, "i")
    page.wait_for_selector(".notice.lost")
    photographer.take(page, "review-lost")
    page.unroute("**/api/answers*")
    page.wait_for_selector(".notice.lost", state="detached")


def typed(page: Page, *, mistaken: bool) -> str:
    """What stands on the envelope that the page shows, or that with its last digit mistaken."""
    scan = page.inner_text(".item header .soft").split(" · ")[1].rpartition(", page")[0]
    with (HERE / "envelope" / "truth.csv").open(encoding="utf-8", newline="") as file:
        (value,) = (row["value"] for row in csv.DictReader(file) if (row["scan"], row["field"]) == (scan, "zip"))
    return value[:-1] + str((int(value[-1]) + 5) % 10) if mistaken else value


def _two_keys(anna: Page, ben: Page, carla: Page, photographer: Photographer) -> None:
    for page, mistaken in ((anna, False), (ben, True)):
        at_desk(page, "envelope")
        page.keyboard.type(typed(page, mistaken=mistaken))
        press(page, "Enter")
    at_desk(carla, "envelope")
    photographer.take(carla, "review-third")
    item = carla.get_attribute(".item", "data-item")
    press(carla, "f", "Enter")
    carla.goto(f"/field?item={item}")
    photographer.take(carla, "review-history")


def _carpet(page: Page, photographer: Photographer) -> None:
    page.goto("/values?form=stock")
    page.wait_for_selector("table")
    photographer.take(page, "review-values")
    page.click("text=Look at them")
    page.wait_for_selector("#carpet [data-item]:focus")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    photographer.take(page, "review-carpet")


def take_sign_in(browser: Browser, address: str, photographer: Photographer) -> None:
    """What people see who have to sign in, after a wrong password."""
    page = browser.new_context(base_url=address, viewport=SIGN_IN).new_page()
    page.goto("/")
    page.fill("#name", "anna")
    page.fill("#password", "a wrong one")
    page.keyboard.press("Enter")
    page.wait_for_selector(".refused")
    photographer.take(page, "review-sign-in")


def main() -> None:
    """Read, serve and take the pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m sample_scans.review_pictures", description="Pictures for the docs."
    )
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        ledger = f"sqlite:///{folder}/formdigits.sqlite"
        envelope = two_keys(HERE / "envelope", folder, "zip")
        flag_all = ("--min-confidence", "1")
        forms = {HERE / "patient": (), HERE / "notes": (), HERE / "stock": flag_all, envelope: flag_all}
        digitize(forms, ledger, folder / "out")
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        with served(ledger, list(forms)) as address:
            take_all(browser, address, Photographer(options.out))
        add_user = command("users", "add", "anna", "--role", "reviewer", "--ledger", ledger)
        subprocess.run(add_user, input=f"{secrets.token_hex()}\n", text=True, check=True, stdout=subprocess.DEVNULL)
        with served(ledger, [], "--login") as address:
            take_sign_in(browser, address, Photographer(options.out))


if __name__ == "__main__":
    main()
