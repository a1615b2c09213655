"""Model bundles: a folder that holds one model in all its forms, and the card that says what it is.

::

    model.keras  model.h5     what trained: Keras' own format and HDF5
    model.tflite              what reads
    card.json                 version, data, seed, figures, calibration, hashes of the files
    confusion_matrix.png  training_history.png  reliability_diagram.png  classification_report.txt
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from forms.errors import MendableError

SHIPPED = Path(__file__).parent / "bundles"
MODEL_FILES = ("model.keras", "model.h5", "model.tflite")
CARD_FILE = "card.json"
CARD_FORMAT = 1


class ModelError(MendableError):
    """A model that cannot be used: what the problem is, and what a person can do about it."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a model.

    Accuracies are shares of the test images, ``nll`` is in nats, differences are of probabilities. ``created`` is an
    ISO date. ``versions`` are of the software that trained it, ``files`` the sha256 of the model's files.
    ``agreement`` holds the largest differences between the trained net and its saved forms, and how many test images
    they class otherwise.
    """

    format: int
    name: str
    version: str
    architecture: str
    title: str
    classes: int
    parameters: int
    created: str
    command: str
    data_source: str
    data_sha256: str
    data_licence: str
    composed_data: str
    seed: int
    epochs: int
    batch_size: int
    train_images: int
    validation_images: int
    test_images: int
    test_accuracy: float
    test_accuracy_interval: tuple[float, float]
    test_digit_accuracy: float
    test_nll: float
    test_ece: float
    validation_accuracy: float
    not_a_digit_recall: float | None
    temperature: float
    calibrated_on: str
    agreement: dict[str, float]
    versions: dict[str, str]
    files: dict[str, str]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read and found whole."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """Name and version, such as ``cnn 2026.11.22-1f3c9a2b``."""
        return f"{self.card.name} {self.card.version}"

    @property
    def digest(self) -> str:
        """The sha256 of what reads: two bundles with the same digest give the same probabilities."""
        calibrated = f"{self.card.files['model.tflite']} {self.card.temperature!r}"
        return hashlib.sha256(calibrated.encode()).hexdigest()

    def file(self, name: str) -> Path:
        return self.folder / name


def find_bundle(model: str) -> Path:
    """The folder of a shipped bundle by its name, or ``model`` itself as a folder.

    Raises:
        ModelError: neither.
    """
    for folder in (SHIPPED / model, Path(model)):
        if model and (folder / CARD_FILE).is_file():
            return folder
    shipped = ", ".join(sorted(card.parent.name for card in SHIPPED.glob(f"*/{CARD_FILE}")))
    raise ModelError(
        f"there is no model {model!r}", f"name one of {shipped}, or a folder that holds {CARD_FILE} and model.tflite"
    )


def read_bundle(folder: Path) -> Bundle:
    """Reads the card and checks ``model.tflite``, the file that reads, against it.

    Raises:
        ModelError: a file is missing, the card is not one, or the model is not the one the card speaks of.
    """
    bundle = Bundle(folder, _read_card(folder / CARD_FILE))
    _verify_file(bundle, "model.tflite")
    return bundle


def verify_bundle(bundle: Bundle) -> None:
    """Checks every model file against the card; ``ModelError`` where one is missing or altered."""
    for name in MODEL_FILES:
        _verify_file(bundle, name)


def write_bundle(out: Path, fill: Callable[[Path], None]) -> Bundle:
    """Fills a new folder beside ``out`` and puts it in ``out``'s place when it is whole.

    Where ``fill`` raises, or the machine stops, the bundle that was at ``out`` is still there.

    Raises:
        ModelError: as ``check_place``.
    """
    check_place(out)

    def fill_and_check(made: Path) -> None:
        fill(made)
        read_bundle(made)

    replace_folder(out, fill_and_check)
    return read_bundle(out)


def replace_folder(out: Path, fill: Callable[[Path], None]) -> None:
    """Fills a new folder beside ``out`` and renames it into ``out``'s place, in a folder that is there.

    Where ``fill`` raises, ``out`` stays as it was.
    """
    workshop = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        made = workshop / "new"
        made.mkdir()
        fill(made)
        if out.exists():
            out.rename(workshop / "old")
        made.rename(out)
    finally:
        shutil.rmtree(workshop)


def check_place(out: Path) -> None:
    """Makes sure, before hours of training, that a bundle can be put at ``out``; makes the folder above it.

    Raises:
        ModelError: ``out`` holds something that is not a bundle, or the folder above it cannot be written.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / CARD_FILE).is_file()):
        raise ModelError(f"{out} holds something other than a model", "name a new folder, or empty this one")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out.parent).close()
    except OSError as error:
        raise ModelError(f"{out.parent} cannot be written ({error.strerror})", "name another folder") from error


def hash_file(file: Path) -> str:
    """The sha256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_card(file: Path) -> Card:
    mend = "train the model again, or copy its folder whole"
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        written = content["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file} is not a model card ({error})", mend) from error
    if written != CARD_FORMAT:
        raise ModelError(f"{file} is of format {written}, this version reads {CARD_FORMAT}", mend)
    odd = content.keys() ^ {field.name for field in fields(Card)}
    if odd:
        raise ModelError(f"{file} lacks, or should not have: {', '.join(sorted(odd))}", mend)
    content["test_accuracy_interval"] = tuple(content["test_accuracy_interval"])
    return Card(**content)


def _verify_file(bundle: Bundle, name: str) -> None:
    mend = "train the model again, or copy its folder whole"
    try:
        found = hash_file(bundle.file(name))
    except OSError as error:
        raise ModelError(f"{bundle.file(name)} cannot be read ({error.strerror})", mend) from error
    if found != bundle.card.files.get(name):
        raise ModelError(f"{bundle.file(name)} is not the file that its card speaks of", mend)
