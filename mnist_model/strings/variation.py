"""Strips of real writing, shown again as other moments of the same hand and scanner would have made them.

A site's corrections are few, and a net that saw each of them as it is would learn them by heart. So each comes in a new
form every time: stretched, sheared, bent a little, in other focus and exposure; and parts of two strips are joined at
gaps between digits, which gives numbers that nobody wrote, in hands that are the site's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

from mnist_model.strings.composer import Strip
from mnist_model.strings.paper import HEIGHT_PX
from mnist_model.strings.sheet import MAX_WIDTH_PX

_MIDDLE = (HEIGHT_PX - 1) / 2
_GAP_LEVEL = 100  # of 255: where a column is darker, a stroke may run through it; print seldom is
_BEND_PX = 24  # between the knots of what bends a strip
_BLANK_END = 1  # of the net's columns: what is left of the gap on each side of a cut, at least
_COLUMN_PX = 2


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A strip whose digits are known, and where it may be cut.

    ``cuts`` holds for each gap between two digits the pixel column in the middle of it, None where strokes meet.
    """

    strip: Strip
    cuts: tuple[int | None, ...]


def example(strip: Strip, log_probabilities: np.ndarray) -> Example:
    """A strip with its cuts, as a net sees it.

    Args:
        strip: (32, W) uint8 and the digits on it.
        log_probabilities: (W / 2, 11), what a string reader says of the strip.
    """
    places = spelled_at(log_probabilities, strip.digits)
    if places is None:
        return Example(strip, ())
    return Example(strip, tuple(_cut(strip.pixels, *gap) for gap in pairwise(places)))


def spelled_at(log_probabilities: np.ndarray, digits: str) -> list[tuple[int, int]] | None:
    """The columns, first and last, on which each of ``digits`` stands in their most probable spelling.

    Forced alignment: the Viterbi path through blank, digit, blank, ... (Graves et al. 2006, section 4.1, with the
    maximum in place of the sum).

    Args:
        log_probabilities: (T, 11) natural logarithms, column 10 is the blank.
        digits: what is written.

    Returns:
        A pair for each digit; None where there are too few columns to spell them.
    """
    states = [10, *(state for digit in digits for state in (int(digit), 10))]
    score = np.full(len(states), -np.inf)
    score[:2] = log_probabilities[0, states[:2]]
    skips = np.array([at > 1 and state not in (10, states[at - 2]) for at, state in enumerate(states)])
    steps = np.zeros((len(log_probabilities), len(states)), dtype=np.int8)
    for column in range(1, len(log_probabilities)):
        before = np.stack([score, _shifted(score, 1), np.where(skips, _shifted(score, 2), -np.inf)])
        steps[column] = before.argmax(axis=0)
        score = before.max(axis=0) + log_probabilities[column, states]
    return _traced(steps, score)


def vary(strip: Strip, rng: np.random.Generator) -> Strip:
    """The strip in a new form."""
    return Strip(_exposed(_bent(strip.pixels, rng), rng), strip.digits)


def join(examples: Sequence[Example], rng: np.random.Generator) -> Strip:
    """The head of one strip and the tail of another, where both can be cut; else one of them as it is."""
    first, second = (examples[index] for index in rng.integers(len(examples), size=2))
    heads, tails = _open(first), _open(second)
    if not heads or not tails:
        return first.strip
    head, tail = heads[rng.integers(len(heads))], tails[rng.integers(len(tails))]
    pixels = np.concatenate([_before(first, head), _after(second, tail)], axis=1)
    if pixels.shape[1] > MAX_WIDTH_PX:
        return first.strip
    return Strip(pixels, first.strip.digits[: head + 1] + second.strip.digits[tail + 1 :])


def _shifted(score: np.ndarray, by: int) -> np.ndarray:
    return np.concatenate([np.full(min(by, len(score)), -np.inf), score[:-by]])


def _traced(steps: np.ndarray, score: np.ndarray) -> list[tuple[int, int]] | None:
    """From the better of the last two states back to the first column."""
    state = len(score) - 1 - int(len(score) > 1 and score[-2] > score[-1])
    if not np.isfinite(score[state]):
        return None
    columns: list[list[int]] = [[] for _ in score]
    for column in range(len(steps) - 1, -1, -1):
        columns[state].append(column)
        state -= int(steps[column, state])
    return [(stands[-1], stands[0]) for stands in columns[1::2]]


def _cut(pixels: np.ndarray, before: tuple[int, int], after: tuple[int, int]) -> int | None:
    """The palest column between two digits, None where ink runs through all of them."""
    start, end = _COLUMN_PX * (before[1] + _BLANK_END), _COLUMN_PX * after[0]
    if end <= start:
        return None
    darkest = pixels[:, start:end].max(axis=0)
    pale = np.flatnonzero(darkest <= max(_GAP_LEVEL, int(darkest.min())))
    return None if darkest.min() > _GAP_LEVEL else start + int(pale[len(pale) // 2])


def _open(one: Example) -> list[int]:
    return [index for index, cut in enumerate(one.cuts) if cut is not None]


def _before(one: Example, gap: int) -> np.ndarray:
    return one.strip.pixels[:, : one.cuts[gap]]


def _after(one: Example, gap: int) -> np.ndarray:
    return one.strip.pixels[:, one.cuts[gap] :]


def _bent(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stretched, sheared, moved up or down, bent: (32, W) uint8 -> (32, W') float32 in [0, 1]."""
    across, down = np.exp(rng.normal(0, 0.14)), np.exp(rng.normal(0, 0.07))
    shear, climb, rise = rng.normal(0, 0.16), rng.normal(0, 0.012), rng.normal(0, 1.0)
    width = int(np.clip(round(pixels.shape[1] * across), HEIGHT_PX, MAX_WIDTH_PX))
    across = width / pixels.shape[1]
    rows, columns = np.meshgrid(np.arange(HEIGHT_PX), np.arange(width), indexing="ij")
    height = (rows - _MIDDLE) / down
    from_row = _MIDDLE + height + rise + climb * (columns - width / 2) + _noise(width, rng)
    from_column = (columns + 0.5) / across - 0.5 + shear * height + _noise(width, rng)
    picture = pixels.astype(np.float32) / 255
    return map_coordinates(picture, [from_row, from_column], order=1, mode="constant")


def _noise(width: int, rng: np.random.Generator) -> np.ndarray:
    """(32, width) float: a smooth displacement in pixels, of a strength that varies."""
    knots = rng.normal(0, rng.uniform(0, 0.7), (4, max(2, width // _BEND_PX)))
    return zoom(knots, (HEIGHT_PX / 4, width / knots.shape[1]), order=1)[:HEIGHT_PX, :width]


def _exposed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """In other focus, ink and exposure, with noise: (32, W) float32 -> uint8."""
    kind = rng.random()
    if kind < 0.25:
        picture = gaussian_filter(picture, rng.uniform(0.3, 1.0))
    elif kind < 0.4:
        picture = picture + rng.uniform(0.3, 1.0) * (picture - gaussian_filter(picture, 1.0))
    if rng.random() < 0.3:
        picture = picture + rng.normal(0, rng.uniform(0.01, 0.05), picture.shape)
    picture = np.clip(picture - rng.uniform(-0.04, 0.04), 0, 1) ** np.exp(rng.normal(0, 0.2))
    return np.rint(255 * np.clip(rng.uniform(0.75, 1.2) * picture, 0, 1)).astype(np.uint8)
