"""Files of labelled digits as others pack them: arrays in .npz, idx files plain or gzipped, folders of images."""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forms.errors import MendableError

_GZIP_MAGIC = b"\x1f\x8b"
_IDX_UINT8 = 8
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")  # what TensorFlow decodes
_TAKEN = "give an .npz, an idx file of images beside its labels, or a folder with the folders 0 to 9"


class DatasetError(MendableError):
    """Digits that could not be had: what the problem is, and what a person can do about it."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """N images (H, W) uint8, of one size or of many, and what each is, (N,) int64 in 0..9."""

    images: Sequence[np.ndarray] | np.ndarray
    labels: np.ndarray


def read_labelled_images(path: Path) -> LabelledImages:
    """Labelled digit images of any size, as they are packed.

    Args:
        path: an .npz with ``x`` and ``y``, or ``x_train`` and ``y_train``; an idx file of images, plain or gzipped,
            whose labels lie beside it (Y. LeCun's layout, EMNIST's too); or a folder whose folders ``0`` to ``9`` hold
            pictures.

    Raises:
        DatasetError: not there, not such a file, or its labels are not digits.
    """
    if path.is_dir():
        return _read_folders(path)
    if path.suffix == ".npz":
        return _read_npz(path)
    return _read_idx_pair(path)


def read_arrays(file: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays of an .npz file by their names; ``DatasetError`` where it is none, or lacks one."""
    mend = f"give an .npz file with the arrays {', '.join(names)}"
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except FileNotFoundError as error:
        raise DatasetError(f"{file} does not exist", mend) from error
    except KeyError as error:
        raise DatasetError(f"{file}: {error.args[0]}", mend) from error
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        # np.load gives a bare array (no context manager) for .npy, and unpickles nothing here.
        raise DatasetError(f"{file} is not a readable .npz file ({error})", mend) from error


def array_names(file: Path) -> frozenset[str]:
    """The names of the arrays in an .npz file; none where it is not one."""
    try:
        with zipfile.ZipFile(file) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return frozenset()


def check_images(x: np.ndarray, place: str, side: int | None = None) -> np.ndarray:
    """(N, H, W) uint8 with at least one image, of ``side`` if that is given; else ``DatasetError``."""
    size = "H, W" if side is None else f"{side}, {side}"
    if x.ndim != 3 or x.dtype != np.uint8 or x.size == 0 or (side is not None and x.shape[1:] != (side, side)):
        raise DatasetError(
            f"{place}: the images are {x.shape} {x.dtype}",
            f"give (N, {size}) uint8, white on black, at least one image",
        )
    return np.ascontiguousarray(x)


def check_labels(y: np.ndarray, count: int, place: str) -> np.ndarray:
    """(``count``,) whole numbers in 0..9, as int64; else ``DatasetError``."""
    if y.shape != (count,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() > 9:
        raise DatasetError(f"{place}: the labels are {y.shape} {y.dtype}", f"give ({count},) whole numbers from 0 to 9")
    return y.astype(np.int64)


def _read_npz(file: Path) -> LabelledImages:
    x, y = ("x_train", "y_train") if "x_train" in array_names(file) else ("x", "y")
    arrays = read_arrays(file, (x, y))
    images = check_images(arrays[x], file.name)
    return LabelledImages(images, check_labels(arrays[y], len(images), file.name))


def _read_idx_pair(file: Path) -> LabelledImages:
    labels = file.with_name(file.name.replace("images", "labels").replace("idx3", "idx1"))
    if labels == file:
        raise DatasetError(f"{file} is not a file of digits that is known here", _TAKEN)
    images = check_images(_read_idx(file), file.name)
    return LabelledImages(images, check_labels(_read_idx(labels), len(images), labels.name))


def _read_idx(file: Path) -> np.ndarray:
    """An array of bytes in Y. LeCun's idx format: a magic number, the lengths of the axes, the bytes."""
    try:
        with file.open("rb") as plain:
            packed = plain.read(2) == _GZIP_MAGIC
        with gzip.open(file) if packed else file.open("rb") as stream:
            magic = stream.read(4)
            if magic[:3] != bytes((0, 0, _IDX_UINT8)) or len(magic) < 4:
                raise DatasetError(f"{file} is not an idx file of bytes", _TAKEN)
            shape = tuple(int(length) for length in np.frombuffer(stream.read(4 * magic[3]), ">u4"))
            content = stream.read(math.prod(shape))
            return np.frombuffer(content, np.uint8).reshape(shape)
    except FileNotFoundError as error:
        raise DatasetError(f"{file} does not exist", _TAKEN) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DatasetError(f"{file} can't be read, or is cut short ({error})", "get the file again") from error


def _read_folders(folder: Path) -> LabelledImages:
    files = [
        (file, digit)
        for digit in range(10)
        for file in sorted((folder / str(digit)).glob("*"))
        if file.suffix.lower() in _PICTURES
    ]
    if not files:
        raise DatasetError(f"{folder} holds no pictures in folders 0 to 9", f"{_TAKEN} of {', '.join(_PICTURES)} files")
    labels = np.array([digit for _, digit in files], np.int64)
    return LabelledImages([_read_picture(file) for file, _ in files], labels)


def _read_picture(file: Path) -> np.ndarray:
    """(H, W) uint8; colours become grey, and what is transparent white, as paper is."""
    import tensorflow as tf  # the training that wants these digits loads it anyway

    try:
        picture = tf.io.decode_image(file.read_bytes(), expand_animations=False).numpy().astype(np.float32)
    except (OSError, tf.errors.InvalidArgumentError) as error:
        raise DatasetError(f"{file} is not a picture that can be read ({error})", "mend or remove it") from error
    if picture.shape[2] in (2, 4):
        picture = 255 + (picture[..., :-1] - 255) * picture[..., -1:] / 255
    return np.rint(picture.mean(axis=2)).astype(np.uint8)
