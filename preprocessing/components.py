"""Connected strokes of ink, as a table."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preprocessing.page import PixelBox

INK_LEVEL = 127  # ink above this counts as the pen's; below it is a stroke's soft edge


BLOTTED_GREY = 30  # darker than any paper in the shade
BLOTTED_SHARE = 0.4  # of the brightness of the paper around


def is_blotted(grey: np.ndarray, cell: PixelBox) -> bool:
    """Whether most of a cell of (h, w) uint8 ``grey`` is black: no strokes can be told there, and it is not empty."""
    if not grey[cell.slices].size:
        return False
    inside = float(np.median(grey[cell.slices]))
    return inside < max(BLOTTED_GREY, BLOTTED_SHARE * float(np.quantile(grey, 0.9)))


def connected(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The 8-connected components of a (h, w) uint8 mask, as OpenCV's ``connectedComponentsWithStats`` gives them.

    By the method (Bolelli et al. 2020, "Spaghetti labeling") and in numbers of 16 bits, where they suffice, that take
    half of the usual ones' time on an image as small as a field.

    Returns:
        labels (h, w) uint16 or int32, stats (N + 1, 5) int32 and centres (N + 1, 2) float64; row 0 is what is not in
        the mask.
    """
    if not mask.size:  # OpenCV crashes there
        return np.zeros(mask.shape, np.uint16), np.zeros((1, 5), np.int32), np.zeros((1, 2))
    # No two components share a square of 2x2 pixels.
    few = (mask.shape[0] + 1) // 2 * ((mask.shape[1] + 1) // 2) < 2**16
    kind = cv2.CV_16U if few else cv2.CV_32S
    return cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, kind, cv2.CCL_SPAGHETTI)[1:]


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The 8-connected components of a field's ink.

    ``labels`` (h, w) holds 1 .. N where there is ink, 0 elsewhere. ``boxes`` (N, 4) int: left, top, right, bottom
    (exclusive); ``areas`` (N,) px; ``centres`` (N, 2) px. Row i describes label i + 1.
    """

    labels: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    centres: np.ndarray

    @classmethod
    def of(cls, ink: np.ndarray) -> Components:
        """Find the components of (h, w) uint8 ink."""
        labels, stats, centres = connected((ink > INK_LEVEL).view(np.uint8))
        boxes = stats[1:, : cv2.CC_STAT_AREA].copy()
        boxes[:, 2:] += boxes[:, :2]
        return cls(labels, boxes, stats[1:, cv2.CC_STAT_AREA], centres[1:])

    @property
    def heights(self) -> np.ndarray:
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def widths(self) -> np.ndarray:
        return self.boxes[:, 2] - self.boxes[:, 0]

    def box_of(self, members: list[int]) -> PixelBox:
        """The smallest box around the components of these rows (at least one)."""
        left, top, right, bottom = zip(*self.boxes[members].tolist(), strict=True)
        return PixelBox(min(left), min(top), max(right), max(bottom))

    def ink_of(self, ink: np.ndarray, members: list[int]) -> tuple[PixelBox, np.ndarray]:
        """The ink of these rows alone, cropped to them with a pixel of soft edge, and where it lies."""
        box = self.box_of(members)
        height, width = ink.shape
        box = PixelBox(
            max(0, box.left - 1), max(0, box.top - 1), min(width, box.right + 1), min(height, box.bottom + 1)
        )
        kept = np.zeros(len(self.boxes) + 1, np.uint8)
        kept[[0, *(index + 1 for index in members)]] = 1
        return box, ink[box.slices] * kept.take(self.labels[box.slices])
