"""Results of the read path -> rows of the ledger's tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ledger.merging import Result
from preprocessing.page import PageProblem
from reading.readings import DigitReading, FieldReading, PageReading, Traits

Row = dict[str, Any]

TRAITS = ("not_a_digit", "ink_share", "stroke_share", "contrast")  # of ``reading.readings.Traits``: columns too
_ORDER_LENGTH = 200  # characters; names that agree so far are sorted by the name itself
_NOT_STORABLE = re.compile("[\ud800-\udfff\0]")


def storable(text: str) -> str:
    r"""``text`` as any database and UTF-8 file can hold it.

    A file name of another encoding reaches Python with lone surrogates, and PostgreSQL keeps no NUL: both are written
    as ``\udce9`` and ``\x00``.
    """
    if not _NOT_STORABLE.search(text):
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def storable_result(result: Result) -> Result:
    """``result`` with a scan name, and for problems a detail, that can be stored."""
    if isinstance(result, PageProblem):
        return replace(result, scan=storable(result.scan), detail=storable(result.detail))
    return replace(result, scan=storable(result.scan))


def scan_order(scan: str) -> str:
    """A key that sorts scan names as people do (scan2 before scan10) when compared by code point.

    Each run of digits becomes its length in four digits and then the run, leading zeros dropped.
    """
    return re.sub(r"[0-9]+", _padded, scan)[:_ORDER_LENGTH]


def _padded(run: re.Match[str]) -> str:
    number = run.group().lstrip("0")
    return f"{len(number):04d}{number}"


def claim(result: Result) -> str:
    """What may be there once for each content: "" (a page that was read), or the scan's name (a problem), hashed."""
    if isinstance(result, PageReading):
        return ""
    return hashlib.sha256(result.scan.encode()).hexdigest()


def page_row(batch: int, result: Result, read_at: datetime) -> Row:
    """The row of ``pages`` for a result."""
    row = {
        "batch_id": batch,
        "scan": result.scan,
        "scan_order": scan_order(result.scan),
        "page": int(result.page),
        "sha256": result.sha256,
        "claim": claim(result),
        "read_at": read_at,
    }
    return row | (_problem_columns(result) if isinstance(result, PageProblem) else _reading_columns(result))


def _problem_columns(problem: PageProblem) -> Row:
    empty = dict.fromkeys(("form", "form_version", "residual_mm", "model", "threshold"))
    return {"problem": problem.reason.value, "detail": problem.detail, **empty}


def _reading_columns(reading: PageReading) -> Row:
    return {
        "problem": None,
        "detail": None,
        "form": reading.form,
        "form_version": reading.form_version,
        "residual_mm": float(reading.residual_mm),
        "model": reading.model,
        "threshold": float(reading.threshold),
    }


def reading_rows(page_ids: Sequence[int], pages: Sequence[PageReading]) -> list[Row]:
    """The rows of ``readings`` for pages that were read; ``page_ids`` are theirs, in the same order."""
    return [
        _reading_row(page_id, position, field)
        for page_id, page in zip(page_ids, pages, strict=True)
        for position, field in enumerate(page.fields)
    ]


def _reading_row(page_id: int, position: int, field: FieldReading) -> Row:
    return {
        "page_id": page_id,
        "position": position,
        "field": field.field,
        "value": field.value,
        "confidence": float(field.confidence),
        "needs_review": bool(field.needs_review),
        "reasons": ";".join(field.reasons),
        "alternatives": [[value, round(float(probability), 6)] for value, probability in field.alternatives],
        "digits": [_digit(digit) for digit in field.digits],
        "x_mm": float(field.box.x_mm),
        "y_mm": float(field.box.y_mm),
        "width_mm": float(field.box.width_mm),
        "height_mm": float(field.box.height_mm),
        "kind": field.kind.value,
        "threshold": float(field.threshold),
        "signals": None if field.signals is None else {name: float(each) for name, each in field.signals.items()},
        "two_keys": field.two_keys,
        **_traits(field.traits),
    }


def _traits(traits: Traits | None) -> Row:
    if traits is None:
        return dict.fromkeys(TRAITS)
    return {name: float(getattr(traits, name)) for name in TRAITS}


def _digit(digit: DigitReading) -> list[Any]:
    box = digit.box
    sides = [int(side) for side in (box.left, box.top, box.right, box.bottom)]
    return [digit.digit, round(float(digit.probability), 6), *sides]


def crop_rows(page_ids: Sequence[int], pages: Sequence[PageReading]) -> list[Row]:
    """The rows of ``crops`` for pages that were read; a field without a crop has none."""
    return [
        {"page_id": page_id, "position": position, "png": field.crop_png}
        for page_id, page in zip(page_ids, pages, strict=True)
        for position, field in enumerate(page.fields)
        if field.crop_png
    ]
