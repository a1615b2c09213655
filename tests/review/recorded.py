"""A ledger with drawn fields to review: real crops, so that the pages look as they do."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from forms.template import Box
from ledger.ledger import Ledger
from preprocessing.page import PixelBox
from preprocessing.pictures import encode_png
from reading.readings import DigitReading, FieldReading, PageReading, Reason

FORM = """
name = "slip"
version = "1"
title = "Pay slip"

[page]
width_mm = 150.0
height_mm = 105.0
blank = "blank.png"

[[field]]
name = "amount"
type = "freehand"
label = "Amount"
x_mm = 20.0
y_mm = 20.0
width_mm = 40.0
height_mm = 10.0
length = [1, 4]
range = [1, 500]
"""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Doubt:
    """A flagged field: what was read and how sure it is, least sure first in the queue."""

    value: str
    confidence: float = 0.8
    two_keys: bool = False
    reason: Reason = Reason.LOW_CONFIDENCE


def draw_crop(value: str) -> bytes:
    image = np.full((40, 30 + 22 * max(1, len(value))), 245, np.uint8)
    cv2.putText(image, value, (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 30, 2, cv2.LINE_AA)
    return encode_png(image)


def _reading(doubt: Doubt) -> FieldReading:
    boxes = [PixelBox(10 + 20 * n, 8, 28 + 20 * n, 32) for n in range(len(doubt.value))]
    chances = [0.9] * len(doubt.value)
    if chances:
        chances[-1] = 0.6
    digits = tuple(DigitReading(*each) for each in zip(doubt.value, chances, boxes, strict=True))
    return FieldReading(
        field="amount",
        value=doubt.value,
        confidence=doubt.confidence,
        needs_review=True,
        reasons=(doubt.reason,),
        alternatives=(),
        digits=digits,
        box=Box(20, 20, 40, 10),
        crop_png=draw_crop(doubt.value),
        threshold=0.95,
        two_keys=doubt.two_keys,
    )


def record(url: str, doubts: Sequence[Doubt], source: str = "") -> int:
    """A new batch with a page for each doubt, in their order."""
    with Ledger.open(url) as ledger:
        number = next(_numbers)
        batch = ledger.open_batch(source or f"/scans/{number}", "slip", "digest")
        pages = []
        for index, doubt in enumerate(doubts):
            sha256 = hashlib.sha256(f"{number} {index}".encode()).hexdigest()
            read = (_reading(doubt),)
            pages.append(PageReading(f"{index}.png", 1, sha256, "slip", "1", 0.1, "cnn 1", 0.95, read))
        ledger.record_chunk(batch, pages)
    return batch


def write_form(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    blank = np.full((620, 886), 250, np.uint8)
    for number in range(12):
        at = (60 + 260 * (number % 3), 260 + 80 * (number // 3))
        cv2.putText(blank, f"printed {number}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2, cv2.LINE_AA)
    cv2.imwrite(str(folder / "blank.png"), blank)
    (folder / "form.toml").write_text(FORM)
    return folder
