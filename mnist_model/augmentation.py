"""Digits as other people, pens, papers and scanners would have made them, brought back to MNIST's own convention.

Everything works on whole batches. A digit is drawn on a larger canvas, warped, written with another pen, damaged as a
scan damages it, and then normalized as a page's pieces are: 20 px box with the aspect kept, centred by centre of mass.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter, grey_dilation, grey_erosion, uniform_filter

from mnist_model.pen import CANVAS_PX, draw

_ZOOM = 1.5  # canvas pixels for one of the digit's
_INK = 0.15  # from here on a pixel counts as written on
_COARSE_SHARE = 0.2
_KNOTS = 11
_KNOT_REACH_PX = 6.0  # Simard's sigma of 4, in canvas pixels


def augment(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each digit in one new form.

    Args:
        images: (N, 28, 28) uint8, white on black.
        labels: (N,) their digits: some ones and sevens are written as in Europe.
        rng: decides everything.

    Returns:
        (N, 28, 28) uint8.
    """
    canvases = warp(images, rng)
    _write_as_in_europe(canvases, labels, rng)
    return finish(canvases, rng)


def finish(canvases: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Canvases (N, H, W) float32 in [0, 1] -> (N, 28, 28) uint8: another pen, a damaged scan, normalization."""
    written = change_pen(canvases, rng)
    _damage(written, rng)
    images = normalize(written, rng.normal(1, 0.03, len(written)))
    coarse = rng.random(len(images)) < _COARSE_SHARE
    images[coarse] = scan_coarsely(written[coarse], rng)
    return degrade(images, rng)


def scan_coarsely(canvases: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As a camera far away sees it: 10 to 19 px high and out of focus, the ink told from the paper, then enlarged.

    Args:
        canvases: (N, H, W) float32 in [0, 1], white on black.
        rng: decides everything.

    Returns:
        (N, 28, 28) float32 in [0, 1], normalized as MNIST is.
    """
    shape = (len(canvases), 1, 1)
    soft = canvases + rng.uniform(0, 0.8, shape).astype(np.float32) * (
        gaussian_filter(canvases, (0, 1.5, 1.5)) - canvases
    )
    small = normalize(soft, rng.uniform(0.5, 0.95, len(canvases)))
    small += rng.uniform(0, 0.5, shape).astype(np.float32) * (uniform_filter(small, (0, 3, 3)) - small)
    level = np.maximum(small.max(axis=(1, 2), keepdims=True), 1e-3) * rng.uniform(0.3, 0.65, shape)
    return normalize(np.clip(small / level - 0.5, 0, 1).astype(np.float32), rng.normal(1, 0.03, len(canvases)))


def warp(images: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Slant, rotation, aspect and elastic distortion (Simard et al. 2003), all of them times ``strength``.

    Returns:
        (N, 28, 28) uint8 -> (N, 44, 44) float32.
    """
    axis = np.arange(CANVAS_PX) - (CANVAS_PX - 1) / 2
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij")).astype(np.float32)
    places = np.einsum("nij,jhw->nihw", _affine(len(images), rng, strength) / _ZOOM, grid, optimize=True)
    places += 13.5 + strength * _elastic(len(images), rng)
    return sample(images.astype(np.float32) / 255, places)


def change_pen(canvases: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A thicker or thinner pen: part of the way to the grey dilation or erosion by 3 pixels."""
    change = rng.uniform(-0.9, 1.3, (len(canvases), 1, 1)).astype(np.float32)
    change[rng.random(len(canvases)) < 0.3] = 0
    thicker = grey_dilation(canvases, size=(1, 3, 3)) - canvases
    thinner = canvases - grey_erosion(canvases, size=(1, 3, 3))
    return np.clip(canvases + np.maximum(change, 0) * thicker + np.minimum(change, 0) * thinner, 0, 1)


def normalize(canvases: np.ndarray, size: np.ndarray | float = 1.0) -> np.ndarray:
    """MNIST's convention: longer side 20 px times ``size``, centre of mass in the middle (LeCun et al. 1998).

    Args:
        canvases: (N, H, W) float32 in [0, 1], white on black. A canvas without ink stays black.
        size: (N,), how much larger or smaller than 20 px.

    Returns:
        (N, 28, 28) float32 in [0, 1].
    """
    rows, columns = np.arange(canvases.shape[1]), np.arange(canvases.shape[2])
    top, bottom = _extent(np.any(canvases > _INK, axis=2))
    left, right = _extent(np.any(canvases > _INK, axis=1))
    mass = np.maximum(canvases.sum(axis=(1, 2)), 1e-6)
    middle_row = canvases.sum(axis=2) @ rows / mass
    middle_column = canvases.sum(axis=1) @ columns / mass
    step = np.maximum(np.maximum(bottom - top, right - left) + 1, 3) / (20 * np.asarray(size))
    axis = np.arange(28) - 14
    places = np.empty((len(canvases), 2, 28, 28), dtype=np.float32)
    places[:, 0] = (middle_row[:, None] + step[:, None] * axis)[:, :, None]
    places[:, 1] = (middle_column[:, None] + step[:, None] * axis)[:, None, :]
    return _sample_smooth(canvases, places, step)


def degrade(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What resolution, focus and exposure do: (N, 28, 28) float32 -> uint8."""
    blur = np.maximum(rng.uniform(-0.8, 1.0, (len(images), 1, 1)), 0).astype(np.float32)
    soft = images + blur * (gaussian_filter(images, (0, 1.1, 1.1)) - images)
    coarse = rng.random(len(images)) < 0.04
    soft[coarse] = np.repeat(np.repeat(_halved(soft[coarse]), 2, axis=1), 2, axis=2)
    peak = np.maximum(soft.max(axis=(1, 2), keepdims=True), 1e-3)
    gamma = np.exp(rng.normal(0, 0.3, (len(images), 1, 1)))
    gain = np.minimum(1, rng.uniform(0.6, 1.8, (len(images), 1, 1)))
    return np.rint(255 * gain * (soft / peak) ** gamma).astype(np.uint8)


def sample(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Bilinear, black outside: images (N, h, w) at ``places`` (N, 2, H, W), rows first -> (N, H, W)."""
    count, height, width = images.shape
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    rows = np.clip(places[:, 0] + 1, 0, height + 1)
    columns = np.clip(places[:, 1] + 1, 0, width + 1)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, along = rows - top, columns - left
    corner = (np.arange(count, dtype=np.int32)[:, None, None] * (height + 3) + top) * (width + 3) + left
    pixels = padded.ravel()
    upper = pixels[corner] * (1 - along) + pixels[corner + 1] * along
    corner += width + 3
    lower = pixels[corner] * (1 - along) + pixels[corner + 1] * along
    return upper * (1 - down) + lower * down


def _sample_smooth(canvases: np.ndarray, places: np.ndarray, step: np.ndarray) -> np.ndarray:
    """As ``sample``; where it would step over pixels, from the canvas at half size."""
    coarse = step > 1.8
    sampled = np.empty((len(canvases), 28, 28), dtype=np.float32)
    sampled[~coarse] = sample(canvases[~coarse], places[~coarse])
    sampled[coarse] = sample(_halved(canvases[coarse]), places[coarse] / 2 - 0.25)
    return sampled


def ink_box(canvas: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of (H, W) that hold ink; all of them where there is none."""
    (top,), (bottom,) = _extent(np.any(canvas > _INK, axis=1, keepdims=True).T)
    (left,), (right,) = _extent(np.any(canvas > _INK, axis=0, keepdims=True))
    return slice(int(top), int(bottom) + 1), slice(int(left), int(right) + 1)


def _affine(count: int, rng: np.random.Generator, strength: float) -> np.ndarray:
    """(N, 2, 2) from canvas to digit, rows first: rotation, then slant and aspect."""
    angle = np.deg2rad(rng.normal(0, 7 * strength, count))
    slant = rng.normal(0, 0.22 * strength, count)
    aspect = np.exp(rng.normal(0, 0.16 * strength, count))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=-1).reshape(-1, 2, 2)
    shear = np.stack([np.ones(count), np.zeros(count), slant, aspect], axis=-1).reshape(-1, 2, 2)
    return (turn @ shear).astype(np.float32)


def _elastic(count: int, rng: np.random.Generator) -> np.ndarray:
    """(N, 2, 44, 44) displacements in the digit's pixels, smooth, of a strength that varies up to 1.2 pixels."""
    basis = _smooth_basis()
    noise = rng.normal(size=(count, 2, _KNOTS, _KNOTS)).astype(np.float32)
    strength = rng.uniform(0, 1.2, (count, 1, 1, 1)).astype(np.float32)
    return strength * (basis @ noise @ basis.T)


@cache
def _smooth_basis() -> np.ndarray:
    """(44, 11): what each knot gives to each pixel; noise at the knots becomes a smooth field of unit variance."""
    knots = np.linspace(0, CANVAS_PX - 1, _KNOTS)
    reach = np.exp(-(((np.arange(CANVAS_PX)[:, None] - knots) / _KNOT_REACH_PX) ** 2) / 2)
    return (reach / np.sqrt((reach**2).sum(axis=1, keepdims=True))).astype(np.float32)


def _write_as_in_europe(canvases: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> None:
    """Changes canvases in place: some ones get a flag, some sevens a bar, a few zeros a slash."""
    for index in np.flatnonzero((labels == 1) & (rng.random(len(labels)) < 0.2)):
        np.maximum(canvases[index], _flag_on(canvases[index], rng), out=canvases[index])
    for index in np.flatnonzero((labels == 7) & (rng.random(len(labels)) < 0.3)):
        np.maximum(canvases[index], _bar_across(canvases[index], rng), out=canvases[index])
    for index in np.flatnonzero((labels == 0) & (rng.random(len(labels)) < 0.04)):
        np.maximum(canvases[index], _slash_through(canvases[index], rng), out=canvases[index])


def _flag_on(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An upstroke to the top of a bare stem, from the left and below; flatter than 33 degrees it would be a seven."""
    rows, columns = ink_box(canvas)
    height = rows.stop - rows.start
    if columns.stop - columns.start > height / 2:  # it slants much, or has a flag of its own
        return np.zeros_like(canvas)
    top = np.array([np.flatnonzero(canvas[rows.start + 1] > _INK / 2).mean(), rows.start + 1])
    fall = height * rng.uniform(0.2, 1)
    foot = top + np.array([-min(fall * rng.uniform(0.35, 1.4), 16), fall])
    bend = (foot + top) / 2 + rng.normal(0, 1, 2)
    return draw([np.array([foot, bend, top])], rng.uniform(2, 4))


def _bar_across(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A short bar through the stem, at about half the height."""
    rows, _ = ink_box(canvas)
    row = round(rows.start + (rows.stop - rows.start) * rng.uniform(0.42, 0.62))
    ink = np.flatnonzero(canvas[row] > _INK)
    middle = np.array([ink.mean() if len(ink) else CANVAS_PX / 2, row])
    reach = np.array([1, rng.normal(0, 0.2)]) * rng.uniform(4, 9)
    return draw([np.stack([middle - reach, middle + reach])], rng.uniform(2.5, 4))


def _slash_through(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One stroke from the lower left to the upper right of a zero."""
    rows, columns = ink_box(canvas)
    ends = np.array([[columns.start + 1, rows.stop - 2], [columns.stop - 2, rows.start + 1]])
    return draw([ends + rng.normal(0, 2, (2, 2))], rng.uniform(2, 4))


def _damage(canvases: np.ndarray, rng: np.random.Generator) -> None:
    """Changes canvases in place: what form removal, a pen that skips, a weak scan and a close neighbour leave."""
    for change, share in _DAMAGES:
        for index in np.flatnonzero(rng.random(len(canvases)) < share):
            canvas = canvases[index]
            change(canvas if rng.random() < 0.5 else canvas.T, rng)


def _erase_line(canvas: np.ndarray, rng: np.random.Generator) -> None:
    row = rng.integers(8, canvas.shape[0] - 8)
    canvas[row : row + rng.integers(1, 4)] *= rng.uniform(0, 0.5)


def _leave_line(canvas: np.ndarray, rng: np.random.Generator) -> None:
    rows, _ = ink_box(canvas)
    row = max(0, int(rng.choice([rows.start - 1, rows.stop - 1])))
    start = rng.integers(4, canvas.shape[1] - 8)
    canvas[row : row + rng.integers(1, 3), start : start + rng.integers(4, 16)] = rng.uniform(0.4, 1)


def _fade(canvas: np.ndarray, rng: np.random.Generator) -> None:
    first, last = rng.uniform(0.25, 1, 2)
    canvas *= np.linspace(first, last, canvas.shape[0], dtype=np.float32)[:, None]


def _cut_edge(canvas: np.ndarray, rng: np.random.Generator) -> None:
    rows, _ = ink_box(canvas)
    lost = round((rows.stop - rows.start) * rng.uniform(0.03, 0.12))
    canvas[rows.stop - lost :] = 0


def _skip_ink(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A gap in the stroke, about as long as it is wide."""
    rows, columns = np.nonzero(canvas > _INK)
    if len(rows):
        place = rng.integers(len(rows))
        reach = rng.integers(1, 4)
        row, column = max(0, rows[place] - reach), max(0, columns[place] - reach)
        canvas[row : row + 2 * reach, column : column + 2 * reach] *= rng.uniform(0, 0.4)


def _leave_neighbour(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """The tip of a neighbour's stroke, a dot or a comma, close to one side."""
    rows, columns = ink_box(canvas)
    column = int(rng.choice([columns.start - rng.integers(2, 6), columns.stop + rng.integers(0, 3)]))
    row, height = rng.integers(rows.start, rows.stop), rng.integers(2, 9)
    canvas[row : min(row + height, rows.stop), max(0, column) : column + rng.integers(2, 5)] = rng.uniform(0.5, 1)


def _leave_pattern(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """Parallel lines of a security background, over part of the canvas."""
    rows, columns = np.indices(canvas.shape)
    across = rows * np.cos(angle := rng.uniform(-0.6, 0.6)) + columns * np.sin(angle)
    lines = np.abs(across % rng.uniform(4, 8) - 1) < rng.uniform(0.5, 1)
    box_rows, box_columns = ink_box(canvas)
    part = np.zeros_like(lines)
    middle = rng.integers(box_rows.start, box_rows.stop)
    part[max(0, middle - 10) : middle + 10, box_columns] = True
    canvas[lines & part] = np.maximum(canvas[lines & part], rng.uniform(0.2, 0.8))


_DAMAGES = (
    (_erase_line, 0.08),
    (_leave_line, 0.06),
    (_fade, 0.12),
    (_cut_edge, 0.05),
    (_skip_ink, 0.06),
    (_leave_neighbour, 0.05),
    (_leave_pattern, 0.03),
)


def _extent(written: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last True of each row of (N, L); 0 and L - 1 where there is none."""
    length = written.shape[1]
    return written.argmax(axis=1), length - 1 - written[:, ::-1].argmax(axis=1)


def _halved(images: np.ndarray) -> np.ndarray:
    """The mean of each 2x2 block: (N, H, W) -> (N, H / 2, W / 2)."""
    count, height, width = images.shape
    return images.reshape(count, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
