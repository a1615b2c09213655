"""What paper, print and a scanner make of writing: fading, security print, rules, borders, neighbours' ink, noise.

Everything is drawn at twice the strip's resolution as *darkness* in [0, 1] and halved at the end.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from mnist_model.strings.strokes import draw_onto

HEIGHT_PX = 32
ROWS = 2 * HEIGHT_PX
INK = 0.4  # of darkness: from here on a pixel counts as written


class Paper:
    """The paper under and around one strip's writing."""

    def __init__(self, ink: np.ndarray, baseline: float, rng: np.random.Generator):
        """``ink`` (64, 2 W) float32, whose digits stand on the row ``baseline``."""
        self._ink, self._baseline, self._rng = ink, baseline, rng

    def scanned(self) -> np.ndarray:
        """(32, W) uint8, white on black."""
        canvas = self._damaged()
        if self._rng.random() < 0.75:
            canvas = _over(canvas, self._pattern())
        for border in self._borders():
            canvas = _over(canvas, border)
        return self._exposed(canvas)

    def _damaged(self) -> np.ndarray:
        """Ink that fades along the line, gaps where print was taken out, two shades."""
        rng, ink = self._rng, self._ink
        canvas = ink
        if rng.random() < 0.35:
            wave = zoom(rng.uniform(0.35, 1.2, (3, max(2, ink.shape[1] // 40))), _fit(ink.shape, 3, 40), order=1)
            canvas = canvas * np.clip(_fitted(wave, ink.shape), 0, 1)
        if rng.random() < 0.1:  # a printed rule was taken out under the writing
            row = rng.integers(8, ROWS - 8)
            canvas = canvas.copy()
            canvas[row : row + rng.integers(1, 5)] *= rng.uniform(0, 0.6)
        if rng.random() < 0.06:
            column = rng.integers(0, ink.shape[1])
            canvas = canvas.copy()
            canvas[:, column : column + rng.integers(1, 5)] *= rng.uniform(0, 0.6)
        return canvas

    def _pattern(self) -> np.ndarray:
        """Security print, texture, bleed-through: darkness that is fainter than the ink, mostly."""
        rng, shape = self._rng, self._ink.shape
        dark = np.zeros(shape, dtype=np.float32)
        if rng.random() < 0.55:
            for _ in range(rng.integers(1, 4)):
                dark = np.maximum(dark, rng.uniform(0.05, 0.5) * _waves(shape, rng))
        if rng.random() < 0.5:
            coarse = rng.choice([1, 2, 4])
            grain = rng.normal(0, 1, (shape[0] // coarse + 1, shape[1] // coarse + 1)).astype(np.float32)
            grain = gaussian_filter(grain, rng.uniform(0.5, 1.2))
            grain = np.repeat(np.repeat(grain, coarse, 0), coarse, 1)[: shape[0], : shape[1]]
            dark = np.maximum(dark, rng.uniform(0.03, 0.25) * np.maximum(grain / max(grain.std(), 1e-6), 0) / 2)
        if rng.random() < 0.07:  # bleed-through
            ghost = gaussian_filter(np.roll(self._ink[:, ::-1], rng.integers(-20, 20), axis=1), 2.0)
            dark = np.maximum(dark, rng.uniform(0.1, 0.4) * ghost)
        for _ in range(rng.poisson(0.5)):  # specks
            x, y = rng.uniform(0, shape[1]), rng.uniform(0, ROWS)
            speck = np.zeros(shape, dtype=np.float32)
            draw_onto(speck, np.array([[x, y, x + rng.normal(0, 2), y + rng.normal(0, 2)]]), rng.uniform(1.5, 5))
            dark = np.maximum(dark, speck * rng.uniform(0.3, 1))
        return dark

    def _borders(self) -> list[np.ndarray]:
        """Lines of cells and rules, and the ink of neighbours that is cut off."""
        rng, (rows, columns) = self._rng, self._ink.shape
        lines: list[list[float]] = []
        if rng.random() < 0.36:  # a rule above or below, or both
            for y in rng.permutation([rng.uniform(0, 8), rows - rng.uniform(0, 9)])[: rng.integers(1, 3)]:
                ends = (0, columns) if rng.random() < 0.6 else np.sort(rng.uniform(0, columns, 2))
                tilt = rng.normal(0, 0.8)
                lines.append([ends[0], y - tilt, ends[1], y + tilt])
        if rng.random() < 0.12:  # a rule that the digits stand on, or that runs through them
            y = self._baseline + rng.normal(1, 3) if rng.random() < 0.7 else rng.uniform(10, rows - 10)
            lines.append([0, y + rng.normal(0, 1), columns, y + rng.normal(0, 1)])
        for side in (0, 1):
            if rng.random() < 0.25:
                x = rng.uniform(0, 7)
                x = columns - 1 - x if side else x
                ends = (0, rows) if rng.random() < 0.6 else np.sort(rng.uniform(0, rows, 2))
                tilt = rng.normal(0, 0.7)
                lines.append([x - tilt, ends[0], x + tilt, ends[1]])
        drawn = []
        for line in lines:
            border = np.zeros(self._ink.shape, dtype=np.float32)
            draw_onto(border, np.array([line]), rng.uniform(0.8, 5))
            if rng.random() < 0.3:
                border *= rng.random((1, columns)) > rng.uniform(0, 0.4)
            drawn.append(border * rng.uniform(0.3, 1.3))
        if rng.random() < 0.1:
            drawn.append(self._neighbours())
        return drawn

    def _neighbours(self) -> np.ndarray:
        """Feet or heads of another line's writing along an edge."""
        rng = self._rng
        other = np.zeros_like(self._ink)
        depth = int(rng.integers(4, 14))
        strip = np.roll(self._ink, int(rng.integers(10, 60)), axis=1)
        inked = np.flatnonzero(strip.max(axis=1) > INK)
        if not len(inked):
            return other
        if rng.random() < 0.5:
            band = strip[max(0, inked[-1] - depth) : inked[-1] + 1]
            other[: len(band)] = band
        else:
            band = strip[inked[0] : inked[0] + depth]
            other[len(other) - len(band) :] = band
        return other

    def _exposed(self, canvas: np.ndarray) -> np.ndarray:
        """Focus, resolution, exposure, noise."""
        rng = self._rng
        if rng.random() < 0.6:
            canvas = gaussian_filter(canvas, abs(rng.normal(0, 1.3)) + 0.3)
        small = canvas.reshape(HEIGHT_PX, 2, -1, 2).mean(axis=(1, 3))
        if rng.random() < 0.33:  # scanned coarsely, or photographed from afar
            factor = rng.uniform(0.4, 0.85)
            coarse = zoom(gaussian_filter(small, 0.35 / factor), (factor, factor), order=1)
            small = _fitted(
                zoom(coarse, (HEIGHT_PX / coarse.shape[0], small.shape[1] / coarse.shape[1]), order=1), small.shape
            )
        if rng.random() < 0.4:
            small = small + rng.normal(0, rng.uniform(0.01, 0.08), small.shape)
        if rng.random() < 0.15:  # JPEG's blocks
            blocks = rng.normal(0, rng.uniform(0.01, 0.05), (HEIGHT_PX // 8, small.shape[1] // 8 + 1))
            small = small + np.repeat(np.repeat(blocks, 8, 0), 8, 1)[:, : small.shape[1]]
        peak = max(float(np.quantile(small, 0.985)), 0.2)
        gain = rng.uniform(0.65, 1.25)
        gamma = np.exp(rng.normal(0, 0.25))
        floor = rng.uniform(0, 0.12) if rng.random() < 0.3 else 0.0
        even = np.clip((small - floor) / peak, 0, None) ** gamma * gain * 0.85
        return np.rint(255 * np.clip(even, 0, 1)).astype(np.uint8)


def _waves(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Fine parallel lines, straight, wavy or bent round a far centre: (rows, columns) float32 in [0, 1]."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    period = rng.uniform(5, 16)
    kind = rng.random()
    if kind < 0.35:
        along = y + rng.uniform(0, 6) * np.sin(x / rng.uniform(8, 60) + rng.uniform(0, 6)) + rng.normal(0, 0.4) * x
    elif kind < 0.6:
        along = np.hypot(x - rng.uniform(-100, shape[1] + 100), y - rng.uniform(-120, 180))
    else:
        turn = rng.uniform(0, np.pi)
        along = np.cos(turn) * x + np.sin(turn) * y + rng.uniform(0, 2) * np.sin((x + y) / rng.uniform(5, 30))
    sharp = rng.choice([1.0, 2.0, 5.0])
    return ((0.5 + 0.5 * np.cos(2 * np.pi * along / period + rng.uniform(0, 6))) ** sharp).astype(np.float32)


def _over(ink: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Darkness upon darkness: more than either, never more than full."""
    return ink + other * (1 - 0.8 * np.minimum(ink, 1))


def _fit(shape: tuple[int, int], rows: int, step: int) -> tuple[float, float]:
    return shape[0] / rows, shape[1] / max(2, shape[1] // step)


def _fitted(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Cut or padded with its last values to ``shape``: ``zoom`` rounds as it likes."""
    cut = values[: shape[0], : shape[1]]
    return np.pad(cut, ((0, shape[0] - cut.shape[0]), (0, shape[1] - cut.shape[1])), mode="edge")
