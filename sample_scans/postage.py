"""What the post puts onto an envelope: a stamp, and a postmark over it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from sample_scans.paper import MM_PER_INCH, Colour, Paper
from sample_scans.pen import draw_strokes

STAMP_MM = (192.0, 8.0, 20.0, 24.0)  # left, top, width, height: over the printed frame
MARK_TONE = 0.72


def frank(envelope: np.ndarray, dpi: int, rng: np.random.Generator) -> np.ndarray:
    """``envelope`` (H, W, 3) uint8 with a stamp and a postmark, each a little beside its place."""
    page = envelope.copy()
    px_per_mm = dpi / MM_PER_INCH
    stamp = _stamp(dpi, rng)
    left, top = np.round((np.array(STAMP_MM[:2]) + rng.uniform(-1.2, 1.2, 2)) * px_per_mm).astype(int)
    page[top : top + stamp.shape[0], left : left + stamp.shape[1]] = stamp
    mark = _postmark(px_per_mm, rng)
    top, left = round(4 * px_per_mm), round((148 + rng.uniform(0, 10)) * px_per_mm)
    under = page[top : top + mark.shape[0], left : left + mark.shape[1]]
    under[...] = under * (1 - MARK_TONE * mark[: under.shape[0], : under.shape[1], None])
    return page


def _stamp(dpi: int, rng: np.random.Generator) -> np.ndarray:
    width, height = STAMP_MM[2:]
    sky = _tint(rng, 90, 220)
    stamp = Paper(width, height, dpi, (252, 252, 250))
    stamp.fill((1.6, 1.6, width - 3.2, height - 3.2), sky)
    stamp.disc(width / 2 + rng.uniform(-4, 4), 9, 3.4, (246, 214, 110))
    hills = np.array([[1.6, 17], [6, 11], [9, 15], [13, 9], [width - 1.6, 16], [width - 1.6, 22.4], [1.6, 22.4]])
    stamp.polygon(hills, _tint(rng, 30, 110))
    stamp.text(width / 2, height - 3, "ALDER POST 68c", 1.5, "bold", (255, 255, 255), "ms")
    for n in range(11):  # the perforation
        for x, y in ((2.0 * n, 0), (2.0 * n, height), (0, 2.4 * n), (width, 2.4 * n)):
            stamp.disc(x, y, 0.6, (214, 208, 196))
    return stamp.printed()


def _tint(rng: np.random.Generator, darkest: int, lightest: int) -> Colour:
    red, green, blue = rng.integers(darkest, lightest, 3).tolist()
    return red, green, blue


def _postmark(px_per_mm: float, rng: np.random.Generator) -> np.ndarray:
    """Two rings, a line of strokes for the date, and waves to the right: (h, w) coverage, unevenly inked."""
    turn = np.linspace(0, 2 * np.pi, 40)
    rings = [np.column_stack([14 + r * np.cos(turn), 14 + r * np.sin(turn)]) for r in (11.5, 7.5)]
    bars = [np.array([[9 + 2 * n, 12.5], [9 + 2 * n + rng.uniform(-1, 1), 15.5]]) for n in range(6)]
    along = np.linspace(0, 34, 30)
    waves = [np.column_stack([27 + along, 6 + 3.4 * n + 1.1 * np.sin(along / 2.6)]) for n in range(5)]
    size = (round(64 * px_per_mm), round(28 * px_per_mm))
    lines = draw_strokes([line * px_per_mm for line in rings + bars + waves], size, 0.5 * px_per_mm)
    patches = ndimage.zoom(rng.uniform(0.3, 1.0, (9, 18)), (size[1] / 9, size[0] / 18), order=1)
    return lines * patches
