"""What is known of a version of the models, and how it is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from mnist_model.bundle import ModelError, find_bundle, read_bundle
from mnist_model.strings.bundle import find_string_bundle, read_string_bundle

FORMAT = 1
SHIPPED_VERSION = 0
DIGITS, STRINGS = "cnn", "strings"  # the two readers: names of shipped bundles, and of a version's folders
VERSION_FILE = "version.json"

Read = TypeVar("Read", "VersionCard", "Promotion")


@dataclass(frozen=True, slots=True)
class VersionCard:
    """What is known of a version.

    ``created`` is a moment in UTC, in ISO's form. ``parent`` is the version that it was trained further from.
    ``trained_on`` maps what it learned from to sha256; ``ledger`` is the database that the answers came from, without
    its password, and ``learned_to`` the number of the newest answer there. ``figures`` are what the gate measured.
    ``refused`` holds the gate's reasons against it, none where it passed.
    """

    created: str
    parent: int
    trained_on: Mapping[str, str]
    ledger: str
    learned_to: int
    figures: Mapping[str, float]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A version by its number; ``card`` is None for the models that ship, ``folder`` too."""

    number: int
    folder: Path | None = None
    card: VersionCard | None = None

    @property
    def digit_model(self) -> str:
        """The digit reader's bundle, by name or folder."""
        return DIGITS if self.folder is None else str(self.folder / DIGITS)

    @property
    def string_model(self) -> str:
        """The string reader's bundle, by name or folder."""
        return STRINGS if self.folder is None else str(self.folder / STRINGS)

    def check(self) -> None:
        """Raises ``ModelError`` where one of the bundles is not whole."""
        _ = self.readers

    @property
    def readers(self) -> str:
        """Both readers with their versions, as they stand beside every reading.

        Raises:
            ModelError: a bundle is damaged, incomplete or of another version of this software.
        """
        digits = read_bundle(find_bundle(self.digit_model))
        strings = read_string_bundle(find_string_bundle(self.string_model))
        return f"{digits.name} + {strings.name}"


@dataclass(frozen=True, slots=True)
class Promotion:
    """That ``version`` came into use: ``at`` a moment in UTC, ``by`` a person or a program, and ``why``.

    ``is_rollback``: it had been in use before, and what had followed it was taken back.
    """

    version: int
    at: str
    by: str
    why: str
    is_rollback: bool = False


def read_version(folder: Path) -> Version:
    """The version in a folder that is called by its number; its bundles are not looked at.

    Raises:
        ModelError: its card cannot be read.
    """
    content = _content(folder / VERSION_FILE, f"remove {folder}, or copy it whole from a backup")
    refused = tuple(content.pop("refused", ()))
    return Version(int(folder.name), folder, _made(VersionCard, content | {"refused": refused}, folder / VERSION_FILE))


def read_promotions(file: Path) -> list[Promotion]:
    """All promotions, the oldest first.

    Raises:
        ModelError: the file cannot be read.
    """
    content = _content(file, "restore it from a backup, or remove it to begin with the shipped models again")
    return [_made(Promotion, one, file) for one in content.get("promotions", ())]


def write_content(file: Path, content: dict[str, Any]) -> None:
    """Write what ``read_version`` and ``read_promotions`` read."""
    file.write_text(json.dumps({"format": FORMAT, **content}, indent=2) + "\n", encoding="utf-8")


def _content(file: Path, mend: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        written = content.pop("format")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"{file} cannot be read ({error})", mend) from error
    if written != FORMAT:
        raise ModelError(f"{file} is of format {written}, this version reads {FORMAT}", mend)
    return content


def _made(kind: type[Read], content: dict[str, Any], file: Path) -> Read:
    odd = content.keys() ^ {field.name for field in fields(kind)}
    if odd:
        raise ModelError(f"{file} lacks, or should not have: {', '.join(sorted(odd))}", "copy it whole from a backup")
    return kind(**content)
