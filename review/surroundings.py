"""What lies around a field on its page, cut out of the scan where that is still there."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

from forms.errors import MendableError
from forms.template import Box, FormTemplate
from ledger.review.types import ReviewItem
from preprocessing.page import Page, PageProblem, RegisteredPage
from preprocessing.pictures import encode_png
from preprocessing.regions import page_region
from preprocessing.registration import register
from preprocessing.scans import ScanFile, hash_scan, open_scan

Good = TypeVar("Good")

MARGIN_MM = (60.0, 25.0)  # of page to each side of the field, and above and below it
PX_PER_MM = 6.0
_KEPT = 4  # pages that were found lately: a page's fields are looked at one after the other


class NotThere(MendableError):  # noqa: N818  # says what the scan is
    """The page cannot be shown, and why."""


@dataclass(frozen=True, slots=True)
class PageKey:
    """One page of one content on one form."""

    sha256: str
    page: int
    form: str


class Surroundings:
    """Finds scans again and cuts fields with their surroundings out of them. Threads may share it."""

    def __init__(self, forms: Callable[[str], FormTemplate | None]):
        self._forms = forms
        self._pages: OrderedDict[PageKey, RegisteredPage] = OrderedDict()
        self._lock = Lock()  # one page is decoded at a time: it takes some 100 MB

    def picture(self, item: ReviewItem) -> bytes:
        """A PNG of the page around the item's field, which is outlined.

        Raises:
            NotThere: the form is not known here, has no page, or the scan is gone, changed or cannot be read.
        """
        form = self._forms(item.form)
        if form is None:
            raise NotThere(f"The form {item.form} is not known here", "start formdigits review with --form")
        if form.whole_image:
            raise NotThere("The picture above is the whole image", "there is nothing around it")
        registered = self._registered(item, form)
        region = _region(item.box, form)
        return encode_png(page_region(registered, region, _boxes(form, item), PX_PER_MM))

    def _registered(self, item: ReviewItem, form: FormTemplate) -> RegisteredPage:
        key = PageKey(item.sha256, item.page, item.form)
        with self._lock:
            if key not in self._pages:
                self._pages[key] = _or_gone(register(_scanned(item), (form,)))
            self._pages.move_to_end(key)
            while len(self._pages) > _KEPT:
                self._pages.popitem(last=False)
            return self._pages[key]


def _scanned(item: ReviewItem) -> Page:
    """The item's page, if its file still has the content that was read."""
    source = Path(item.source)
    path = source if source.is_file() else source / item.scan
    if not path.resolve().is_relative_to(source.resolve()) or not path.is_file():
        raise NotThere(f"The scan {item.scan} is no longer where it was read", "only the picture above is kept")
    file = ScanFile(item.scan, path, -1, -1)
    if _or_gone(hash_scan(file, settle_s=0)) != item.sha256:
        raise NotThere(f"The scan {item.scan} has changed since it was read", "only the picture above is kept")
    for page in open_scan(file, item.sha256):
        if page.page == item.page:
            return _or_gone(page)
    raise NotThere(f"The scan {item.scan} has no page {item.page} any more", "only the picture above is kept")


def _or_gone(result: Good | PageProblem) -> Good:
    if isinstance(result, PageProblem):
        raise NotThere(f"The scan {result.scan} cannot be shown ({result.reason})", "only the picture above is kept")
    return result


def _region(box: Box, form: FormTemplate) -> Box:
    left, top = max(0.0, box.x_mm - MARGIN_MM[0]), max(0.0, box.y_mm - MARGIN_MM[1])
    right = min(form.page_width_mm, box.right_mm + MARGIN_MM[0])
    bottom = min(form.page_height_mm, box.bottom_mm + MARGIN_MM[1])
    return Box(left, top, right - left, bottom - top)


def _boxes(form: FormTemplate, item: ReviewItem) -> tuple[Box, ...]:
    known = next((field for field in form.fields if field.name == item.field), None)
    return known.boxes if known is not None and known.box == item.box else (item.box,)
