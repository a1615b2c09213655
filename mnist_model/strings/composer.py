"""Strips of digits as people write them on printed paper, composed of MNIST's digits and of pen strokes.

Everything is drawn at twice the strip's resolution as *darkness* in [0, 1] and halved at the end. The label is the
digits alone: separators, fillers, currency signs, borders, scribbles and patterns are there to be read as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter

from mnist_model.augmentation import sample
from mnist_model.strings.glyphs import SHARES, draw_glyphs
from mnist_model.strings.sheet import CELL, Hand, Sheet, sizes_of

_GLYPHS = 12_000
_ZOOM = 2.0  # canvas pixels for one of the digit's, at its usual size
_KNOTS = 7
_AT_ONCE = 32  # strips whose digits are warped together: they stay in the processor's cache
_DIGIT_SHARES = np.array([1.9, 1.5, 1, 1, 1, 1.1, 1, 1.1, 1, 1]) / 11.6
_LENGTH_SHARES = np.array([0.08, 0.15, 0.17, 0.15, 0.15, 0.12, 0.07, 0.05, 0.03, 0.03])
_WITHOUT_DIGITS = 0.04  # the share of strips with scribbles, rules or paper alone


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """``pixels`` (32, W) uint8, white on black, and the digits that stand there."""

    pixels: np.ndarray
    digits: str


class Composer:
    """Composes strips; what it makes is decided by the digits given and the generators alone."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator):
        """``images`` (N, 28, 28) uint8 white on black, every digit among them, with ``labels`` (N,)."""
        drawn, drawn_labels = draw_glyphs(_GLYPHS, rng)
        self._images = (images, drawn)
        self._of_digit = tuple(
            [np.flatnonzero(known == digit) for digit in range(10)] for known in (labels, drawn_labels)
        )
        self._rng = rng

    def compose(self, count: int, rng: np.random.Generator) -> list[Strip]:
        """``count`` strips, of 1 to 10 digits, a few of them without any."""
        self._rng = rng
        return [strip for start in range(0, count, _AT_ONCE) for strip in self._composed(min(_AT_ONCE, count - start))]

    def _composed(self, count: int) -> list[Strip]:
        hands = [_hand(self._rng) for _ in range(count)]
        strings = [self._string() for _ in range(count)]
        owners = np.repeat(np.arange(count), [len(string) for string in strings])
        sizes = np.concatenate([sizes_of(len(string), hand) for string, hand in zip(strings, hands, strict=True)])
        cells = self._written("".join(strings), [hands[owner] for owner in owners], sizes)
        parts = np.split(cells, np.cumsum([len(string) for string in strings])[:-1])
        return [
            self._without_digits(len(part), hand)
            if self._rng.random() < _WITHOUT_DIGITS
            else Strip(Sheet(string, part, hand, self._rng).finished(), string)
            for string, part, hand in zip(strings, parts, hands, strict=True)
        ]

    def _without_digits(self, places: int, hand: Hand) -> Strip:
        """What is no digit but stands where digits should: a signature, a stroke through the field, paper alone."""
        sheet = Sheet("", np.zeros((places, *CELL), dtype=np.float32), hand, self._rng)
        if self._rng.random() < 0.7:
            sheet.scribble()
        return Strip(sheet.finished(), "")

    def _string(self) -> str:
        rng = self._rng
        length = 1 + rng.choice(10, p=_LENGTH_SHARES)
        digits = rng.choice(10, size=length, p=_DIGIT_SHARES)
        if length > 2 and rng.random() < 0.25:
            digits[-int(rng.integers(2, min(length, 4))) :] = 0
        if length > 1 and rng.random() < 0.12:
            start = rng.integers(length - 1)
            digits[start : start + rng.integers(2, 4)] = digits[start]
        return "".join(map(str, digits))

    def _written(self, digits: str, hands: list[Hand], sizes: np.ndarray) -> np.ndarray:
        """(N, rows, columns) float32: each digit on its own canvas, by its hand."""
        rng = self._rng
        # One writer keeps to one style of a digit more often than not: the same picture again, bent a little.
        sources = self._sources(digits, hands)
        height = np.array([hand.height for hand in hands])
        uneven = np.array([hand.uneven for hand in hands])
        scale = sizes * height / 40 * np.exp(rng.normal(0, 0.07, len(hands)) * uneven)
        aspect = np.array([hand.aspect for hand in hands]) * np.exp(rng.normal(0, 0.07, len(hands)) * uneven)
        shear = np.array([hand.shear for hand in hands]) + rng.normal(0, 0.05, len(hands)) * uneven
        angle = np.deg2rad(rng.normal(0, 3.5, len(hands)) * uneven)
        warped = sample(sources, _places(scale * _ZOOM, aspect, shear, angle, rng))
        soft = gaussian_filter(warped, (0, 1.0, 1.0))
        level = np.array([hand.level for hand in hands]) + rng.normal(0, 0.04, len(hands))
        level *= soft.max(axis=(1, 2))  # the thinnest pen leaves the ridge of a stroke
        return np.clip((soft - level[:, None, None]) * 4.5 + 0.5, 0, 1).astype(np.float32)

    def _sources(self, digits: str, hands: list[Hand]) -> np.ndarray:
        rng, chosen = self._rng, []
        habits: dict[tuple[int, str], np.ndarray] = {}
        for digit, hand in zip(digits, hands, strict=True):
            habit = habits.get((id(hand), digit))
            if habit is None or rng.random() < 0.5:
                kind = int(rng.random() < SHARES[int(digit)])
                habit = self._images[kind][rng.choice(self._of_digit[kind][int(digit)])]
                habits[id(hand), digit] = habit
            chosen.append(habit)
        return np.stack(chosen).astype(np.float32) / 255


def _hand(rng: np.random.Generator) -> Hand:
    broad = rng.random() < 0.3
    return Hand(
        height=float(np.clip(rng.normal(41.5, 7), 22, 58)),
        shear=float(np.clip(rng.normal(0.16, 0.25), -0.35, 0.8)),
        aspect=float(np.exp(rng.normal(0, 0.28))),
        level=float(rng.uniform(0.15, 0.4) if broad else rng.uniform(0.35, 0.72)),
        gap=float(np.clip(rng.normal(0.14, 0.16), -0.12, 0.7)) * 40,
        uneven=float(rng.uniform(0.3, 1.6)),
        climb=float(rng.normal(0, 0.02)),
        tail=int(rng.integers(2, 4)) if rng.random() < 0.2 else 0,
        tail_size=float(rng.uniform(0.5, 0.85)),
        tail_raised=bool(rng.random() < 0.5),
        pen_px=float(rng.uniform(4.5, 8) if broad else rng.uniform(2.2, 5)),
    )


def _places(
    scale: np.ndarray, aspect: np.ndarray, shear: np.ndarray, angle: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(N, 2, rows, columns): where in a digit's picture each pixel of its canvas comes from, bent elastically."""
    rows, columns = CELL
    count = len(scale)
    down = (np.arange(rows, dtype=np.float32) - rows / 2)[None, :, None] / scale[:, None, None]
    across = (np.arange(columns, dtype=np.float32) - columns / 2)[None, None, :] / scale[:, None, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    places = np.empty((count, 2, rows, columns), dtype=np.float32)
    places[:, 0] = 13.5 + cos * down - sin * across
    places[:, 1] = 13.5 + ((across + shear[:, None, None] * down) / aspect[:, None, None]) * cos + sin * down
    knots = rng.normal(size=(count, 2, _KNOTS, _KNOTS)) * rng.uniform(0, 1.1, (count, 1, 1, 1))
    places += _smooth_basis(rows) @ knots.astype(np.float32) @ _smooth_basis(columns).T
    return places


@cache
def _smooth_basis(length: int) -> np.ndarray:
    """(length, _KNOTS) float32: what each knot gives to each pixel; noise at the knots becomes a smooth field."""
    knots = np.linspace(0, length - 1, _KNOTS)
    reach = np.exp(-(((np.arange(length)[:, None] - knots) / (0.8 * length / _KNOTS)) ** 2) / 2)
    return (reach / np.sqrt((reach**2).sum(axis=1, keepdims=True))).astype(np.float32)
