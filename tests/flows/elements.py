"""HTML as tests look at it."""

from __future__ import annotations

from html.parser import HTMLParser


class Elements(HTMLParser):
    """Every opening tag with its attributes, and whether all were closed in order."""

    VOID = frozenset({"meta", "img", "br", "path", "rect", "circle", "polyline"})

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag
