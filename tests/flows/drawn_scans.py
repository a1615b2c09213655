"""Scans for the tests of the flows: small images of printed digits, for the built-in form ``digits``."""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2
import numpy as np

from flows.settings import DigitizeJob

MODEL = "seed-ann"


def draw_digits(path: Path, number: int) -> Path:
    """An image of two printed digits, unlike any other number's, last changed a minute ago."""
    image = np.full((40, 44), 235, np.uint8)
    cv2.putText(image, f"{number % 100:02d}", (4, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 30, 2, cv2.LINE_AA)
    image[0, number // 100] = 200
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return settle(path)


def settle(path: Path) -> Path:
    """Date a file back: what has only just changed counts as still being written."""
    os.utime(path, (time.time() - 60,) * 2)
    return path


def one_thread(scans: Path, out: Path) -> DigitizeJob:
    """The plainest of all jobs, by which others are measured: read by this process itself, one scan after the other."""
    places = {"scans": str(scans), "out": str(out)}
    return DigitizeJob(form="digits", model=MODEL, string_model="none", workers=1, runner="threads", **places)
