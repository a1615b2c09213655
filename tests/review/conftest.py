from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from forms.form_file import load_forms
from forms.template import FormTemplate
from ledger.ledger import Ledger
from ledger.review.types import ReviewPolicy
from review.app import create_app
from review.settings import ReviewSettings
from tests.review.recorded import write_form
from tests.review.serving import served

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def form_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_form(tmp_path_factory.mktemp("forms") / "slip")


@pytest.fixture(scope="session")
def forms(form_folder: Path) -> tuple[FormTemplate, ...]:
    return load_forms(str(form_folder))


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ledger for the session: each test records a batch of its own."""
    url = f"sqlite:///{tmp_path_factory.mktemp('review')}/formdigits.sqlite"
    Ledger.open(url).close()
    return url


@pytest.fixture(scope="session")
def postgresql_url(postgresql: Any) -> str:
    """Another one, on PostgreSQL."""
    postgresql.psql("CREATE DATABASE review")
    url = str(postgresql.get_uri("review"))
    Ledger.open(url).close()
    return url


@pytest.fixture(scope="session")
def url(sqlite_url: str) -> str:
    """The ledger of tests that do not say on which database."""
    return sqlite_url


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


@pytest.fixture
def client(ledger: Ledger, forms: tuple[FormTemplate, ...]) -> Callable[..., TestClient]:
    """Makes browsers without a window: of one server for each settings asked for."""

    def make(
        peer: str = "127.0.0.1", host: str = "127.0.0.1:8765", policy: ReviewPolicy | None = None, **settings: Any
    ) -> TestClient:
        app = create_app(ledger, ReviewSettings(forms=forms, **settings), policy)
        scheme = "https" if settings.get("https") else "http"
        return TestClient(app, f"{scheme}://{host}", client=(peer, 50000), follow_redirects=False)

    return make


@pytest.fixture(scope="session")
def server(url: str, form_folder: Path) -> Iterator[str]:
    """``formdigits review`` as a process of its own; its address."""
    with served("--ledger", url, "--form", str(form_folder)) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for a module's tests: while Playwright runs, no other test could call what is both sync and async."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser to test in: {CHROMIUM} is not there")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browsers(chromium: Any, server: str) -> Callable[[str], Any]:
    """The browser of each person, who has said their name in it."""
    known: dict[str, Any] = {}

    def of(name: str) -> Any:
        if name not in known:
            known[name] = chromium.new_context(base_url=server)
            page = known[name].new_page()
            page.goto("/")
            page.wait_for_selector("#name:focus")
            page.keyboard.type(name)
            page.keyboard.press("Enter")
            page.wait_for_selector("nav")
            page.close()
        return known[name]

    return of


@pytest.fixture
def person(browsers: Callable[[str], Any]) -> Iterator[Callable[[str], Any]]:
    """Opens a tab for somebody; scripts that fail fail the test."""
    tabs: list[Any] = []
    failures: list[Any] = []

    def tab(name: str) -> Any:
        tabs.append(browsers(name).new_page())
        tabs[-1].set_default_timeout(30_000)
        tabs[-1].on("pageerror", lambda error: failures.append(error))
        return tabs[-1]

    yield tab
    for opened in tabs:
        opened.close()
    assert failures == []
