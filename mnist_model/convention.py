"""Digits of other collections, brought to MNIST's convention: white on black, 20 px box, centred by centre of mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_model.augmentation import ink_box, normalize, sample
from mnist_model.digit_files import LabelledImages
from mnist_model.pen import CANVAS_PX

_LARGEST_PX = CANVAS_PX - 4
_LIT = 0.5  # a background from here on is paper, not black
_WRITTEN = 38  # of 255: what counts as ink
_CHUNK = 4096
# Width over height of MNIST's training digits 0 to 9: medians, and the standard deviation of the logarithm of all.
_USUAL_ASPECTS = np.array([0.90, 0.40, 0.95, 0.80, 0.80, 0.90, 0.70, 0.75, 0.75, 0.65])
_ASPECT_SPREAD = 0.2
_STRETCHED_SPREAD = 0.12  # of the logarithms: MNIST's own is 0.4, that of digits stretched to a box almost 0
_NORMALIZED_SHARE = 0.9
_LYING = 1.25  # ones wider than that, in the median, lie on their side


@dataclass(frozen=True, slots=True)
class Layout:
    """How a collection's images differ from MNIST's: what was told by their pixels.

    ``dark_on_light``: ink on paper. ``transposed``: rows and columns exchanged, as EMNIST's files have them: ones lie.
    ``stretched``: every digit fills its box, so that its width says nothing any more. ``normalized``: the digits have
    MNIST's size and place already.
    """

    dark_on_light: bool
    transposed: bool
    stretched: bool
    normalized: bool

    @property
    def treatment(self) -> str:
        """What was done to bring the images to MNIST's convention, for the model card."""
        done = (
            (self.dark_on_light, "inverted"),
            (self.transposed, "rows and columns exchanged"),
            (self.stretched, "widths drawn anew from those usual for each digit"),
            (self.normalized, "size and place as they are"),
            (not self.normalized, "20 px box, centred by centre of mass"),
        )
        return ", ".join(what for applies, what in done if applies)


def bring_to_convention(found: LabelledImages) -> tuple[np.ndarray, Layout]:
    """Every image as MNIST would have it, and what was different.

    Polarity is told by the images' borders. Ones that lie on their side tell that rows and columns are exchanged, where
    widths vary; where they hardly vary, the digits were stretched to a box, and each gets a width that is usual for
    its digit in MNIST. Images that are in MNIST's convention are not resampled.

    Args:
        found: images (H, W) uint8 of any sizes.

    Returns:
        (N, 28, 28) uint8, black where an image holds no ink; and the layout.
    """
    background = float(np.median(np.concatenate([_border(image) for image in found.images]))) / 255
    dark_on_light = background > _LIT
    canvases = np.zeros((len(found.images), CANVAS_PX, CANVAS_PX), np.uint8)
    for index, image in enumerate(found.images):
        canvases[index] = _on_canvas(image, background, dark_on_light)
    layout = Layout(dark_on_light, *_proportions(canvases, found.labels), not dark_on_light and _is_normalized(found))
    images = np.asarray(found.images) if layout.normalized else canvases
    if layout.transposed:
        images = images.swapaxes(1, 2)
    if layout.normalized:
        return np.ascontiguousarray(images), layout
    return _normalized(images, _aspects(found.labels) if layout.stretched else None), layout


def _border(image: np.ndarray) -> np.ndarray:
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _on_canvas(image: np.ndarray, background: float, dark_on_light: bool) -> np.ndarray:
    """The ink alone, in the middle of a canvas (44, 44) uint8; halved until it fits there."""
    grey = image.astype(np.float32) / 255
    ink = np.clip(background - grey if dark_on_light else grey - background, 0, 1)
    ink = ink / max(float(np.percentile(ink, 99)), float(ink.max()) / 2, 0.1)
    crop = np.clip(ink[ink_box(ink)], 0, 1)
    while max(crop.shape) > _LARGEST_PX:
        crop = _halved(crop)
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    top, left = (np.array(canvas.shape) - crop.shape) // 2
    canvas[top : top + crop.shape[0], left : left + crop.shape[1]] = np.rint(255 * crop)
    return canvas


def _halved(image: np.ndarray) -> np.ndarray:
    """The mean of each 2x2 block; an odd last row or column is filled up with black."""
    height, width = image.shape
    even = np.pad(image, ((0, height % 2), (0, width % 2)))
    return even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean(axis=(1, 3))


def _is_normalized(found: LabelledImages) -> bool:
    """Whether nearly all images are 28x28 with a digit of 20 px whose centre of mass lies in the middle."""
    if any(image.shape != (28, 28) for image in found.images):
        return False
    images = np.asarray(found.images)
    size = np.maximum(_extents(images, axis=1), _extents(images, axis=2))
    mass = np.maximum(images.sum(axis=(1, 2)), 1)
    centres = [images.sum(axis=axis) @ np.arange(28) / mass for axis in (1, 2)]
    fits = (abs(size - 20) <= 1) & (abs(centres[0] - 14) < 1) & (abs(centres[1] - 14) < 1)
    return bool(fits.mean() > _NORMALIZED_SHARE)


def _proportions(canvases: np.ndarray, labels: np.ndarray) -> tuple[bool, bool]:
    """Whether rows and columns are exchanged, and whether the digits are stretched."""
    width, height = _extents(canvases, axis=1), _extents(canvases, axis=2)
    written = (width > 0) & (height > 0)
    logarithms = np.log(np.maximum(width, 1) / np.maximum(height, 1))
    stretched = bool(written.sum() > 1) and float(logarithms[written].std()) < _STRETCHED_SPREAD
    ones = logarithms[written & (labels == 1)]
    lying = len(ones) > 0 and float(np.median(ones)) > np.log(_LYING)
    return lying and not stretched, stretched


def _extents(canvases: np.ndarray, axis: int) -> np.ndarray:
    """How many columns (axis 1) or rows (axis 2) lie between the first and the last that hold ink, (N,)."""
    written = np.any(canvases > _WRITTEN, axis=axis)
    first, last = written.argmax(axis=1), written.shape[1] - written[:, ::-1].argmax(axis=1)
    return np.where(written.any(axis=1), last - first, 0)


def _aspects(labels: np.ndarray) -> np.ndarray:
    """A width over height for each digit, about what is usual for it: the same for the same labels."""
    rng = np.random.default_rng(0)
    return _USUAL_ASPECTS[labels] * np.exp(rng.normal(0, _ASPECT_SPREAD, len(labels)))


def _normalized(canvases: np.ndarray, aspects: np.ndarray | None) -> np.ndarray:
    images = np.empty((len(canvases), 28, 28), np.uint8)
    for start in range(0, len(canvases), _CHUNK):
        part = slice(start, start + _CHUNK)
        ink = canvases[part].astype(np.float32) / 255
        if aspects is not None:
            ink = _with_aspects(ink, aspects[part])
        images[part] = np.rint(255 * _brightened(normalize(ink)))
    return images


def _brightened(images: np.ndarray) -> np.ndarray:
    """The strokes' core white, as in MNIST; (N, 28, 28) in [0, 1]."""
    core = np.percentile(images, 97, axis=(1, 2), keepdims=True)
    return np.clip(images / np.clip(core, 0.3, 1), 0, 1)


def _with_aspects(canvases: np.ndarray, aspects: np.ndarray) -> np.ndarray:
    """Square digits -> as large as the canvas takes, ``aspects`` times as wide as high."""
    size = max(int(_extents(np.rint(255 * canvases), axis=1).max()), 1)
    height = np.minimum(34.0, _LARGEST_PX / aspects)
    axis = np.arange(CANVAS_PX) - (CANVAS_PX - 1) / 2
    places = np.empty((len(canvases), 2, CANVAS_PX, CANVAS_PX), np.float32)
    places[:, 0] = (size / height)[:, None, None] * axis[:, None]
    places[:, 1] = (size / height / aspects)[:, None, None] * axis
    return sample(canvases, places + (CANVAS_PX - 1) / 2)
