"""Where a field's print lies in a cut that is wider than the field. What only depends on the form is made once."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preprocessing.levels import masked_quantile

ALIGNED_DARKNESS = 60  # grey levels: print darker than this counts no more for where a field lies
FARTHER_PER_MM = 0.08  # what a place loses a mm from where the page's homography puts the field
SHOWN_SHARE = 0.3  # of its darkness in the blank: print paler than this is not there


@dataclass(frozen=True, slots=True, eq=False)
class FieldPrint:
    """The print of one field.

    ``dark`` is (h, w) uint8, the blank's darkness in the field's cut. ``edges`` is (h, w) int16, the same less its own
    surroundings, so that ink beside the print counts neither for nor against a place; ``even_edges`` is that of print
    which counts alike from ``ALIGNED_DARKNESS`` on, ``coarse_edges`` the same at half the size. ``core`` (h, w) bool is
    where the print is darkest, ``core_level`` how dark in the middle.
    """

    dark: np.ndarray
    edges: np.ndarray
    even_edges: np.ndarray
    coarse_edges: np.ndarray
    core: np.ndarray
    core_level: float
    px_per_mm: float

    @classmethod
    def of(cls, dark: np.ndarray, px_per_mm: float) -> FieldPrint:
        """Work it out from (h, w) uint8 darkness."""
        even = np.minimum(dark, ALIGNED_DARKNESS)
        core = dark > 0.7 * float(dark.max())
        coarse = _edges(_halved(even), px_per_mm / 2)
        core_level = masked_quantile(dark, core, 0.5) if core.any() else 0.0
        return cls(dark, _edges(dark, px_per_mm), _edges(even, px_per_mm), coarse, core, core_level, px_per_mm)

    def best_place(self, dark: np.ndarray) -> tuple[int, int]:
        """Slide the print over a wider cut: the row and column where it fits best; the middle where it is not seen.

        Paper curls and stretches, so that one homography is up to a millimetre off somewhere. The place is found at
        half the size, then to the pixel.

        Args:
            dark: (H, W) uint8, darkness of the page around the field.
        """
        height, width = self.dark.shape
        centre = (dark.shape[0] - height) // 2, (dark.shape[1] - width) // 2
        # A black line beside the field must not outweigh the field's own light print: all print counts alike at first.
        even = np.minimum(dark, ALIGNED_DARKNESS)
        scores = cv2.matchTemplate(_halved(even).astype(np.float32), self.coarse_edges.astype(np.float32), cv2.TM_CCORR)
        if not scores.any():
            return centre
        y, x = _peak(scores * _nearness(scores.shape, (centre[0] / 2, centre[1] / 2), self.px_per_mm / 2))
        y, x = _sharpened(even, self.even_edges, min(2 * y, 2 * centre[0]), min(2 * x, 2 * centre[1]))
        if not self._is_shown(dark[y : y + height, x : x + width]):
            return centre
        return _sharpened(dark, self.edges, y, x)

    def _is_shown(self, dark: np.ndarray) -> bool:
        """Whether the print is there at all: light print drops out of 1-bit scans, and ink must not stand in."""
        return masked_quantile(dark, self.core, 0.5) >= SHOWN_SHARE * self.core_level


def _edges(dark: np.ndarray, px_per_mm: float) -> np.ndarray:
    """The print less its own surroundings; zeros where there is too little of it to tell a place by."""
    printed = dark.astype(np.float32)
    reach = max(3, round(px_per_mm)) | 1
    edges = printed - cv2.blur(printed, (reach, reach))
    tells = float(np.abs(edges).sum()) >= 20 * px_per_mm * min(dark.shape)
    return (np.rint(edges) if tells else np.zeros_like(edges)).astype(np.int16)


def _halved(dark: np.ndarray) -> np.ndarray:
    height, width = dark.shape
    even = dark[: height // 2 * 2, : width // 2 * 2]
    return cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def _nearness(shape: tuple[int, ...], centre: tuple[float, float], px_per_mm: float) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return 1 - FARTHER_PER_MM * np.hypot(rows - centre[0], columns - centre[1]) / px_per_mm


def _peak(scores: np.ndarray) -> tuple[int, int]:
    y, x = np.unravel_index(int(scores.argmax()), scores.shape)
    return int(y), int(x)


def _sharpened(dark: np.ndarray, edges: np.ndarray, y: int, x: int) -> tuple[int, int]:
    """The best place within a pixel of (y, x)."""
    height, width = edges.shape
    top, left = max(0, y - 1), max(0, x - 1)
    near, weights = dark[top : y + 1 + height, left : x + 1 + width], edges.astype(np.float32).ravel()
    rows, columns = near.shape[0] - height + 1, near.shape[1] - width + 1
    # For so few places sums of products are quicker than the Fourier transform that OpenCV would use.
    shifted = [near[:, column : column + width].astype(np.float32).ravel() for column in range(columns)]
    starts = range(0, rows * width, width)
    scores = np.array([[part[start : start + weights.size] @ weights for part in shifted] for start in starts])
    dy, dx = _peak(scores)
    return top + dy, left + dx
