"""Labelled digits: MNIST by Keras' own loader and cache, or from a file where there is no network."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_model.convention import bring_to_convention
from mnist_model.digit_files import (
    DatasetError,
    array_names,
    check_images,
    check_labels,
    read_arrays,
    read_labelled_images,
)

DATA_VARIABLE = "FORMDIGITS_DATA"
_MNIST_IN_FOLDER = Path("mnist") / "mnist.npz"
_MNIST_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_MNIST_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
_SEMEION_LICENCE = (
    "Semeion Handwritten Digit by Tactile Srl, Brescia, and Semeion Research Center of Sciences of Communication, "
    "Rome, CC BY 4.0"
)
_LARGEST_WEIGHT = 100
# Of the images' and labels' bytes, as ExtraDigits has it. Who made others, their files don't tell.
_LICENCES = {"8e0ce9435c3005eed03c83867f1426977adfa0e73a6c1d2faf83a0a37e19516c": _SEMEION_LICENCE}
_MNIST_LICENCE = "MNIST by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, CC BY-SA 3.0"


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Digits to learn from and digits to measure on.

    ``x_train`` (N, 28, 28) and ``x_test`` (M, 28, 28) are uint8, white on black; ``y_train`` (N,) and ``y_test`` (M,)
    are int64 in 0..9. ``sha256`` is of the four arrays' bytes in this order, so it does not change with how a file was
    packed. ``source`` names them in the model card: ``MNIST`` where the arrays are MNIST's own, else the file's name
    without its path. ``licence`` is whose they are and on what terms. The last ``extra_images`` of the training images
    were mixed in by ``with_extra``; ``extra`` names them and their weights.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    sha256: str
    source: str
    licence: str = "unknown"
    extra_images: int = 0
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ExtraDigits:
    """Digits from elsewhere, brought to MNIST's convention, to train on beside MNIST's.

    ``images`` (N, 28, 28) uint8, white on black; ``labels`` (N,) int64 in 0..9. ``sha256`` is of the bytes of the
    images and labels as the file holds them, ``name`` the file's, ``source`` says also what was done to the images,
    ``licence`` whose they are and on what terms.
    """

    images: np.ndarray
    labels: np.ndarray
    sha256: str
    name: str
    source: str
    licence: str


def load_training_digits(sources: Sequence[str]) -> Dataset:
    """What a training is asked to learn from: MNIST, and what is mixed in.

    Args:
        sources: ``PATH`` or ``PATH:WEIGHT``. An .npz with training and test arrays in Keras' layout that has no weight
            takes MNIST's place; all others are mixed in, with weight 1 where none is given.

    Raises:
        DatasetError: a source can't be had, has no sensible weight, or two would take MNIST's place.
    """
    asked = [_path_and_weight(source) for source in sources]
    bases = [path for path, weight in asked if weight is None and set(_MNIST_ARRAYS) <= array_names(path)]
    if len(bases) > 1:
        names = " and ".join(base.name for base in bases)
        raise DatasetError(f"{names} would each take MNIST's place", f"give a weight to be mixed in: {bases[1]}:1")
    mixed_in = [(path, weight or 1.0) for path, weight in asked if weight is not None or path not in bases]
    extras = [(read_extra_digits(path), weight) for path, weight in mixed_in]
    return with_extra(load_mnist(bases[0] if bases else None), extras)


def _path_and_weight(source: str) -> tuple[Path, float | None]:
    before, _, after = source.rpartition(":")
    try:
        weight = float(after) if before else None
    except ValueError:  # no weight, but a colon in the path
        weight = None
    if weight is not None and not 0 < weight <= _LARGEST_WEIGHT:
        raise DatasetError(f"{source}: the weight is {after}", f"give one above 0, up to {_LARGEST_WEIGHT}")
    return Path(source if weight is None else before).expanduser(), weight


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
    return _dataset(read_arrays(found, _MNIST_ARRAYS), found.name)


def read_extra_digits(path: Path) -> ExtraDigits:
    """Labelled digits of a site or of another collection, as MNIST would have them.

    Args:
        path: an .npz, an idx file of images or a folder, as ``digit_files.read_labelled_images`` takes them. Images may
            be of any size, dark on light or light on dark, transposed as EMNIST's, or stretched to their box.

    Raises:
        DatasetError: as ``digit_files.read_labelled_images``.
    """
    found = read_labelled_images(path)
    images, layout = bring_to_convention(found)
    digest = _digest(*found.images, found.labels)
    source = f"{path.name} ({len(images)} digits: {layout.treatment})"
    return ExtraDigits(images, found.labels, digest, path.name, source, _LICENCES.get(digest, "unknown"))


def with_extra(dataset: Dataset, extras: Sequence[tuple[ExtraDigits, float]]) -> Dataset:
    """The data set with further training digits appended; what it is measured on stays.

    Args:
        dataset: the digits to add to.
        extras: digits, and how often each of them comes for every time that one of ``dataset`` does: 2 for twice, 0.5
            for a random half, which is always the same.
    """
    chosen = [(extra, _repeated(len(extra.labels), weight)) for extra, weight in extras]
    return dataclasses.replace(
        dataset,
        x_train=np.concatenate([dataset.x_train, *(extra.images[index] for extra, index in chosen)]),
        y_train=np.concatenate([dataset.y_train, *(extra.labels[index] for extra, index in chosen)]),
        sha256=" + ".join([dataset.sha256, *(extra.sha256 for extra, _ in extras)]),
        source=" + ".join([dataset.source, *(f"{weight:g} x {extra.source}" for extra, weight in extras)]),
        licence="; ".join([dataset.licence, *(extra.licence for extra, _ in extras)]),
        extra_images=dataset.extra_images + sum(len(index) for _, index in chosen),
        extra=(*dataset.extra, *(f"{extra.name}:{weight:g}" for extra, weight in extras)),
    )


def with_own(dataset: Dataset, fields: int, digest: str) -> Dataset:
    """The data set as a card names it where a site's own fields were learned from beside it.

    Args:
        dataset: what was replayed; its digits stay.
        fields: how many corrected fields there were.
        digest: their sha256.
    """
    return dataclasses.replace(
        dataset,
        sha256=f"{dataset.sha256} + {digest}",
        source=f"{dataset.source} + {fields} corrected fields",
        licence=f"{dataset.licence}; the site's own",
    )


def _repeated(count: int, weight: float) -> np.ndarray:
    """Which of ``count`` digits to take, ``weight`` times each: all as often as it goes, then some at random."""
    whole, part = divmod(round(weight * count), count)
    some = np.random.default_rng(0).permutation(count)[:part]
    return np.concatenate([np.tile(np.arange(count), whole), np.sort(some)])


def load_digits(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Labelled digit images of any one size, to evaluate a model on.

    Returns:
        ``x`` (N, H, W) uint8, white on black, and ``y`` (N,) int64 in 0..9.

    Raises:
        DatasetError: no such file, or not an .npz with these two arrays.
    """
    arrays = read_arrays(file, ("x", "y"))
    return check_images(arrays["x"], file.name), check_labels(arrays["y"], len(arrays["x"]), file.name)


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


def _dataset(arrays: Mapping[str, np.ndarray], source: str) -> Dataset:
    halves = [
        (check_images(arrays[x], source, side=28), check_labels(arrays[y], len(arrays[x]), source))
        for x, y in (("x_train", "y_train"), ("x_test", "y_test"))
    ]
    (x_train, y_train), (x_test, y_test) = halves
    digest = _digest(x_train, y_train, x_test, y_test)
    if digest == _MNIST_SHA256:
        return Dataset(x_train, y_train, x_test, y_test, digest, "MNIST", _MNIST_LICENCE)
    return Dataset(x_train, y_train, x_test, y_test, digest, source)


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.astype(np.uint8).tobytes())
    return digest.hexdigest()
