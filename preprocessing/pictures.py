"""Pictures for people: crops as PNG, and a page with what the software believes drawn over it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from forms.template import Box
from preprocessing.page import RegisteredPage

ACCEPTED_BGR = (60, 140, 20)
FLAGGED_BGR = (30, 30, 220)
BOX_BGR = (210, 120, 20)


# Of a scan's grain nothing but repeats can be packed, and to look for them alone takes less time; so does one filter
# for all rows (Paeth's, which makes 1-bit scans 6 % larger and grey ones 0.3 %) in place of a choice for each.
_QUICK = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH, cv2.IMWRITE_PNG_ZLIBBUFFER_SIZE, 1 << 16),
)


def encode_png(image: np.ndarray) -> bytes:
    """A (h, w) or (h, w, 3) BGR uint8 image as PNG, quick rather than small."""
    done, encoded = cv2.imencode(".png", image, _QUICK)
    assert done, "OpenCV encodes every uint8 image"
    return encoded.tobytes()


def decode_png(encoded: bytes) -> np.ndarray | None:
    """(h, w) uint8 grey of a PNG; None where the bytes are none."""
    if not encoded:
        return None
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)


def draw_page(registered: RegisteredPage, captions: Sequence[tuple[tuple[Box, ...], str, bool]]) -> np.ndarray:
    """A page with its fields' boxes where the registration puts them, and a caption above each field.

    Args:
        registered: the page.
        captions: for each field its boxes (mm), the words to write, and whether the field is flagged (red) or not
        (green).

    Returns:
        (H, W, 3) uint8 BGR, the page as it was scanned, at most 2000 px on its longer side.
    """
    grey, homography = _shrunken(registered.page.grey, registered.homography)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for boxes, words, flagged in captions:
        colour = FLAGGED_BGR if flagged else ACCEPTED_BGR
        for box in boxes:
            cv2.polylines(picture, [_outline(box, homography)], isClosed=True, color=BOX_BGR, thickness=1)
        corner = _outline(Box.around(boxes), homography)[0]
        at = (int(corner[0]), max(12, int(corner[1]) - 4))
        cv2.putText(picture, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    return picture


def _shrunken(grey: np.ndarray, homography: np.ndarray, longest_px: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    scale = min(1.0, longest_px / max(grey.shape))
    if scale == 1.0:
        return grey, homography
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.diag(
        [scale, scale, 1]
    ) @ homography


def _outline(box: Box, homography: np.ndarray) -> np.ndarray:
    """The four corners of a box on the page: (4, 2) int32, the form's top left first."""
    left, top, right, bottom = box.x_mm, box.y_mm, box.right_mm, box.bottom_mm
    corners = np.array([[[left, top]], [[right, top]], [[right, bottom]], [[left, bottom]]], dtype=float)
    return cv2.perspectiveTransform(corners, homography).reshape(4, 2).round().astype(np.int32)
