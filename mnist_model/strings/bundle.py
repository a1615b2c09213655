"""The string reader's bundle: ``model.tflite`` reads, ``model.keras`` trained, ``strings.json`` says what they are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from mnist_model.bundle import SHIPPED, ModelError, hash_file

CARD_FILE = "strings.json"
CARD_FORMAT = 1
MODEL_FILES = ("model.keras", "model.tflite")
_MEND = "train the string reader again, or copy its folder whole"


@dataclass(frozen=True, slots=True)
class StringCard:
    """What is known of a string reader.

    ``test_exact`` is the share of composed strips, of digits that were not trained on, whose whole value is right,
    with its 95 % interval. ``temperature`` divides the logits. ``tflite_max_difference`` is between the logits of the
    trained net and those of the file that reads. ``files`` are sha256, ``created`` is an ISO date.
    """

    format: int
    name: str
    version: str
    title: str
    parameters: int
    created: str
    command: str
    data_source: str
    data_sha256: str
    data_licence: str
    composed_data: str
    seed: int
    rounds: int
    chunk: int
    train_strips: int
    test_strips: int
    test_exact: float
    test_exact_interval: tuple[float, float]
    temperature: float
    tflite_max_difference: float
    versions: dict[str, str]
    files: dict[str, str]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class StringBundle:
    """A string reader's folder that was read and found whole."""

    folder: Path
    card: StringCard

    @property
    def name(self) -> str:
        """Name and version, such as ``strings 2026.11.22-1f3c9a2b``."""
        return f"{self.card.name} {self.card.version}"

    def file(self, name: str) -> Path:
        return self.folder / name


def find_string_bundle(model: str) -> Path:
    """The folder of a shipped string reader by its name, or ``model`` itself as a folder.

    Raises:
        ModelError: neither.
    """
    for folder in (SHIPPED / model, Path(model)):
        if model and (folder / CARD_FILE).is_file():
            return folder
    raise ModelError(
        f"there is no string reader {model!r}", f"name strings, or a folder that holds {CARD_FILE} and model.tflite"
    )


def read_string_bundle(folder: Path) -> StringBundle:
    """Reads the card and checks ``model.tflite``, the file that reads, against it.

    Raises:
        ModelError: a file is missing, the card is not one, or the model is not the one the card speaks of.
    """
    bundle = StringBundle(folder, _read_card(folder / CARD_FILE))
    try:
        found = hash_file(bundle.file("model.tflite"))
    except OSError as error:
        raise ModelError(f"{bundle.file('model.tflite')} cannot be read ({error.strerror})", _MEND) from error
    if found != bundle.card.files.get("model.tflite"):
        raise ModelError(f"{bundle.file('model.tflite')} is not the file that its card speaks of", _MEND)
    return bundle


def _read_card(file: Path) -> StringCard:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        written = content["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file} is not a string reader's card ({error})", _MEND) from error
    if written != CARD_FORMAT:
        raise ModelError(f"{file} is of format {written}, this version reads {CARD_FORMAT}", _MEND)
    odd = content.keys() ^ {field.name for field in fields(StringCard)}
    if odd:
        raise ModelError(f"{file} lacks, or should not have: {', '.join(sorted(odd))}", _MEND)
    content["test_exact_interval"] = tuple(content["test_exact_interval"])
    return StringCard(**content)
