"""Strokes of a round pen: how far pixels are from them, and the ink that they leave."""

from __future__ import annotations

import numpy as np


def distance_to(segments: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Segments (S, 4) of x0, y0, x1, y1 -> ``shape`` float32: how far each pixel is from the nearest."""
    x0, y0, x1, y1 = segments.astype(np.float32).T[:, :, None, None]
    across = np.arange(shape[1], dtype=np.float32) - x0
    down = np.arange(shape[0], dtype=np.float32)[:, None] - y0
    dx, dy = x1 - x0, y1 - y0
    along = np.clip((across * dx + down * dy) / np.maximum(dx**2 + dy**2, 1e-6), 0, 1)
    return np.sqrt(((across - along * dx) ** 2 + (down - along * dy) ** 2).min(axis=0))


def draw_onto(canvas: np.ndarray, segments: np.ndarray, width_px: float) -> None:
    """Changes ``canvas`` in place: segments (S, 4) of x0, y0, x1, y1 with a round pen, no more than fits."""
    reach = width_px / 2 + 1
    xs, ys = segments[:, ::2], segments[:, 1::2]
    left, top = int(max(0, np.floor(xs.min() - reach))), int(max(0, np.floor(ys.min() - reach)))
    right, bottom = (
        int(min(canvas.shape[1], np.ceil(xs.max() + reach))),
        int(min(canvas.shape[0], np.ceil(ys.max() + reach))),
    )
    if right <= left or bottom <= top:
        return
    place = canvas[top:bottom, left:right]
    distance = distance_to(segments - np.array([left, top, left, top]), (bottom - top, right - left))
    np.maximum(place, np.clip(width_px / 2 + 0.5 - distance, 0, 1), out=place)
