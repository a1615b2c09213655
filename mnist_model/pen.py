"""Pen strokes: polylines drawn with a round pen onto square canvases."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CANVAS_PX = 44
Strokes = tuple[tuple[tuple[float, float], ...], ...]

CROSS: Strokes = (((0.0, 0.0), (0.8, 1.0)), ((0.8, 0.0), (0.0, 1.0)))
# Signs that stand on forms and are not digits, as polylines of (x, y) in a unit square, y down. Left out is what people
# write like a digit: B C D G I J L O Q S U Y Z b g l q, a bare vertical or slanted stroke, a box.
SIGNS: tuple[Strokes, ...] = (
    (((0.0, 1.0), (0.5, 0.0), (1.0, 1.0)), ((0.2, 0.6), (0.8, 0.6))),  # A
    (((0.8, 0.0), (0.0, 0.0), (0.0, 1.0), (0.8, 1.0)), ((0.0, 0.5), (0.6, 0.5))),  # E
    (((0.8, 0.0), (0.0, 0.0), (0.0, 1.0)), ((0.0, 0.5), (0.6, 0.5))),  # F
    (((0.0, 0.0), (0.0, 1.0)), ((0.7, 0.0), (0.7, 1.0)), ((0.0, 0.5), (0.7, 0.5))),  # H
    (((0.0, 0.0), (0.0, 1.0)), ((0.7, 0.0), (0.0, 0.5), (0.7, 1.0))),  # K
    (((0.0, 1.0), (0.1, 0.0), (0.5, 0.7), (0.9, 0.0), (1.0, 1.0)),),  # M
    (((0.0, 1.0), (0.0, 0.0), (0.7, 1.0), (0.7, 0.0)),),  # N
    (((0.0, 0.0), (0.8, 0.0)), ((0.4, 0.0), (0.4, 1.0))),  # T
    (((0.0, 0.0), (0.4, 1.0), (0.8, 0.0)),),  # V
    (((0.0, 0.0), (0.25, 1.0), (0.5, 0.3), (0.75, 1.0), (1.0, 0.0)),),  # W
    CROSS,
    (((0.0, 0.5), (1.0, 0.5)), ((0.5, 0.0), (0.5, 1.0))),  # +
    (((0.0, 0.5), (1.0, 0.5)),),  # -
    (((0.0, 0.4), (1.0, 0.4)), ((0.0, 0.7), (1.0, 0.7))),  # =
    (((0.0, 1.0), (0.4, 0.0)), ((0.45, 0.6), (1.0, 0.55))),  # /-
    (((0.0, 0.2), (1.0, 0.8)), ((1.0, 0.2), (0.0, 0.8)), ((0.5, 0.0), (0.5, 1.0))),  # *
    (((0.3, 0.0), (0.2, 1.0)), ((0.8, 0.0), (0.7, 1.0)), ((0.0, 0.3), (1.0, 0.3)), ((0.0, 0.7), (1.0, 0.7))),  # #
    (((0.0, 0.6), (0.25, 0.35), (0.5, 0.55), (0.75, 0.7), (1.0, 0.45)),),  # ~
    (((0.0, 0.0), (0.0, 1.0), (1.0, 1.0)),),  # lower left corner of a box
    (((1.0, 0.0), (0.0, 0.0), (0.0, 1.0)),),  # upper left corner
    (((1.0, 0.0), (1.0, 1.0), (0.0, 1.0)),),  # lower right corner
    (((0.0, 0.0), (0.0, 1.0)), ((0.0, 0.5), (1.0, 0.5))),  # a rule that meets a box
    (((0.0, 1.0), (1.0, 1.0)), ((0.5, 0.0), (0.5, 1.0))),  # a rule that stands on one
    (((0.0, 0.4), (0.5, 0.0), (0.8, 0.4)),),  # the top of a one with a flag, or of a roof
    (((0.0, 0.9), (1.0, 0.1)),),  # the flag alone, flatter than a one ever leans
)


def draw(strokes: Iterable[np.ndarray], width_px: float) -> np.ndarray:
    """Polylines (P, 2) of (x, y) in canvas pixels -> (44, 44) float32 in [0, 1], anti-aliased over one pixel."""
    segments = np.concatenate([np.hstack([line[:-1], line[1:]]) for line in strokes])
    return np.clip(width_px / 2 + 0.5 - _distance(segments), 0, 1).astype(np.float32)


def on_canvas(strokes: Strokes, wobble_px: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Strokes of a unit square, stretched over the middle of a canvas, each point moved by about ``wobble_px``."""
    size = rng.uniform(18, 32, 2)
    corner = (CANVAS_PX - size) / 2
    return [np.array(line) * size + corner + rng.normal(0, wobble_px, (len(line), 2)) for line in strokes]


def scribble(points: int, rng: np.random.Generator) -> np.ndarray:
    """A line that turns at random, (P, 2): a quadratic spline through random places of the canvas."""
    corners = rng.uniform(8, CANVAS_PX - 8, (points, 1, 2))
    middles = (corners[:-1] + corners[1:]) / 2
    t = np.linspace(0, 1, 6)[:, None]
    arcs = (1 - t) ** 2 * middles[:-1] + 2 * t * (1 - t) * corners[1:-1] + t**2 * middles[1:]
    return arcs.reshape(-1, 2)


def _distance(segments: np.ndarray) -> np.ndarray:
    """Segments (S, 4) of x0, y0, x1, y1 -> (44, 44) float32: the distance of each pixel from the nearest."""
    axis = np.arange(CANVAS_PX, dtype=np.float32)
    x0, y0, x1, y1 = segments.astype(np.float32).T[:, :, None, None]
    across, down = axis - x0, axis[:, None] - y0
    dx, dy = x1 - x0, y1 - y0
    along = np.clip((across * dx + down * dy) / np.maximum(dx**2 + dy**2, np.float32(1e-6)), 0, 1)
    return np.sqrt(((across - along * dx) ** 2 + (down - along * dy) ** 2).min(axis=0))


def spline(knots: np.ndarray, points_a_span: int = 6) -> np.ndarray:
    """Catmull and Rom's spline (1974) through (K, 2) knots, (N, 2); a doubled knot is a corner."""
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = (np.arange(points_a_span) / points_a_span)[:, None, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.concatenate([curve.transpose(1, 0, 2).reshape(-1, 2), knots[-1:]])
