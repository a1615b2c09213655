"""Labelled digits: MNIST by Keras' own loader and cache, or from a file where there is no network."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA_VARIABLE = "FORMDIGITS_DATA"
_MNIST_IN_FOLDER = Path("mnist") / "mnist.npz"
_MNIST_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_MNIST_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"


_MNIST_LICENCE = "MNIST by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, CC BY-SA 3.0"


class DatasetError(Exception):
    """Digits that could not be had: what the problem is, and what a person can do about it."""

    def __init__(self, problem: str, mend: str):
        super().__init__(problem, mend)
        self.problem = problem
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.problem}; {self.mend}"


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Digits to learn from and digits to measure on.

    ``x_train`` (N, 28, 28) and ``x_test`` (M, 28, 28) are uint8, white on black; ``y_train`` (N,) and ``y_test`` (M,)
    are int64 in 0..9. ``sha256`` is of the four arrays' bytes in this order, so it does not change with how a file was
    packed. ``source`` names them in the model card: ``MNIST`` where the arrays are MNIST's own, else the file's name
    without its path. ``licence`` is whose they are and on what terms.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    sha256: str
    source: str
    licence: str = "unknown"


def load_mnist(file: Path | None = None) -> Dataset:
    """MNIST: from ``file``, else from where ``FORMDIGITS_DATA`` points, else by Keras' own loader and cache.

    Args:
        file: an .npz in Keras' layout (``x_train``, ``y_train``, ``x_test``, ``y_test``).

    Raises:
        DatasetError: no such file, not such an .npz, or no network.
    """
    found = file or _file_of_environment()
    if found is None:
        return _dataset(_download(), "mnist.npz")
    return _dataset(_read_arrays(found, _MNIST_ARRAYS), found.name)


def load_digits(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Labelled digit images of any one size, to evaluate a model on.

    Returns:
        ``x`` (N, H, W) uint8, white on black, and ``y`` (N,) int64 in 0..9.

    Raises:
        DatasetError: no such file, or not an .npz with these two arrays.
    """
    arrays = _read_arrays(file, ("x", "y"))
    return _images(arrays["x"], file.name), _labels(arrays["y"], len(arrays["x"]), file.name)


def _file_of_environment() -> Path | None:
    value = os.environ.get(DATA_VARIABLE)
    if not value:
        return None
    path = Path(value)
    if path.is_dir():
        file = path / _MNIST_IN_FOLDER
        return file if file.exists() else None
    return path


def _download() -> dict[str, np.ndarray]:
    from keras.datasets import mnist

    try:
        (x_train, y_train), (x_test, y_test) = mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception where it cannot download
        raise DatasetError(
            f"MNIST is not in Keras' cache and could not be downloaded ({error})",
            f"give --data FILE.npz, or set {DATA_VARIABLE} to a folder that holds {_MNIST_IN_FOLDER.as_posix()}",
        ) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _read_arrays(file: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    mend = f"give an .npz file with the arrays {', '.join(names)}"
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except FileNotFoundError as error:
        raise DatasetError(f"{file} does not exist", mend) from error
    except KeyError as error:
        raise DatasetError(f"{file}: {error.args[0]}", mend) from error
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        # np.load gives a bare array (no context manager) for .npy, and unpickles nothing here.
        raise DatasetError(f"{file} is not a readable .npz file ({error})", mend) from error


def _dataset(arrays: Mapping[str, np.ndarray], source: str) -> Dataset:
    halves = [
        (_images(arrays[x], source, side=28), _labels(arrays[y], len(arrays[x]), source))
        for x, y in (("x_train", "y_train"), ("x_test", "y_test"))
    ]
    (x_train, y_train), (x_test, y_test) = halves
    digest = _digest(x_train, y_train, x_test, y_test)
    if digest == _MNIST_SHA256:
        return Dataset(x_train, y_train, x_test, y_test, digest, "MNIST", _MNIST_LICENCE)
    return Dataset(x_train, y_train, x_test, y_test, digest, source)


def _images(x: np.ndarray, place: str, side: int | None = None) -> np.ndarray:
    size = "H, W" if side is None else f"{side}, {side}"
    if x.ndim != 3 or x.dtype != np.uint8 or len(x) == 0 or (side is not None and x.shape[1:] != (side, side)):
        raise DatasetError(
            f"{place}: the images are {x.shape} {x.dtype}",
            f"give (N, {size}) uint8, white on black, at least one image",
        )
    return np.ascontiguousarray(x)


def _labels(y: np.ndarray, count: int, place: str) -> np.ndarray:
    if y.shape != (count,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() > 9:
        raise DatasetError(f"{place}: the labels are {y.shape} {y.dtype}", f"give ({count},) whole numbers from 0 to 9")
    return y.astype(np.int64)


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.astype(np.uint8).tobytes())
    return digest.hexdigest()
