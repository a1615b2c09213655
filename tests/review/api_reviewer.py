"""Somebody at the review page, who says what its script says."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from ledger.review.types import Place
from tests.review.signing_in import csrf, sign_in


class ApiReviewer:
    """A signed-in browser at a desk of its own, reviewing one batch."""

    def __init__(self, browser: httpx.Client, name: str, batch: int):
        assert sign_in(browser, name) == 303
        browser.headers["X-CSRF-Token"] = csrf(browser, "/")
        self.browser = browser
        self._asked = {"batch": batch, "desk": f"desk-of-{name}"}

    def get(self, path: str, **asked: Any) -> Any:
        return self.browser.get(path, params=self._asked | asked)

    def post(self, path: str, said: dict[str, Any]) -> Any:
        return self.browser.post(path, params=self._asked, json=said)

    def items(self, count: int = 1, held: str = "") -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.get("/api/items", count=count, held=held).json()["items"]
        return found

    def next(self, count: int = 1) -> list[str]:
        return [item["item"] for item in self.items(count)]

    def answer(self, item: str, value: str, **more: Any) -> Any:
        said = {"id": uuid4().hex, "item": item, "verdict": "value", "value": value, "seconds": 2.0, **more}
        return self.post("/api/answers", said)


def place(item: str) -> Place:
    return Place(*map(int, item.split("-")))
