"""The versions of a site's models: what each was trained on, which one reads, and who or what decided that.

::

    models/
      1/  cnn/  strings/  version.json     a version: both readers, and what is known of it
      2/  ...
      promotions.json                      which version came into use, when and by whom; the last line of it reads

Version 0 is what ships with the project. A version is written beside and renamed when it is whole, and so is
``promotions.json``: whenever the machine stops, the store holds what it held before or what it holds after.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from mnist_model.bundle import ModelError, find_bundle, read_bundle
from mnist_model.strings.bundle import find_string_bundle, read_string_bundle

STORE_FORMAT = 1
SHIPPED_VERSION = 0
DIGITS, STRINGS = "cnn", "strings"  # the two readers: names of shipped bundles, and of a version's folders
_VERSION_FILE, _PROMOTIONS_FILE, _LOCK_FILE = "version.json", "promotions.json", ".promotions.lock"
_WORKSHOP = ".making-"

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


class ModelStore:
    """The versions in one folder, which need not be there: then the shipped models are all there is."""

    def __init__(self, folder: Path):
        self.folder = folder

    def versions(self) -> list[Version]:
        """All versions, the shipped models first.

        Raises:
            ModelError: a version's card cannot be read.
        """
        numbers = sorted(int(path.name) for path in self.folder.glob("[1-9]*") if path.name.isdecimal())
        return [Version(SHIPPED_VERSION), *(self._read(number) for number in numbers)]

    def version(self, number: int) -> Version:
        """The version of that number, with bundles that are whole.

        Raises:
            ModelError: there is none, or it is damaged.
        """
        if number != SHIPPED_VERSION and not (self.folder / str(number)).is_dir():
            known = ", ".join(str(version.number) for version in self.versions())
            raise ModelError(f"{self.folder} has no version {number}", f"name one of {known}")
        version = Version(number) if number == SHIPPED_VERSION else self._read(number)
        _check(version)
        return version

    def current(self) -> Version:
        """The version in use.

        Raises:
            ModelError: it is damaged, or which one it is cannot be read.
        """
        return self.version(self.current_number())

    def current_number(self) -> int:
        """The number of the version in use; whether it is whole is not looked at."""
        return _in_use(self.promotions())[-1]

    def promotions(self) -> list[Promotion]:
        """What came into use, the oldest first; it started with the shipped models.

        Raises:
            ModelError: the file cannot be read.
        """
        file = self.folder / _PROMOTIONS_FILE
        if not file.is_file():
            return []
        content = _content(file, "restore it from a backup, or remove it to begin with the shipped models again")
        return [_made(Promotion, one, file) for one in content["promotions"]]

    def add(self, fill: Callable[[Path], VersionCard]) -> Version:
        """Put a version into the store; it is not in use by that.

        Args:
            fill: writes the bundles ``cnn`` and ``strings`` into the folder that it is given, and says what they are.

        Raises:
            ModelError: what was filled in is not whole, or the store cannot be written.
        """
        with _named_errors(self.folder), self._workshop() as made:
            card = fill(made)
            (made / _VERSION_FILE).write_text(_json(asdict(card)), encoding="utf-8")
            _check(Version(SHIPPED_VERSION, made))
            _settle(made)
            return self._read(self._renamed(made))

    def promote(self, number: int, by: str, why: str, instead_of: int | None = None) -> Promotion:
        """Take a version into use, from the next run on.

        Args:
            number: the version's.
            by: a person or a program.
            why: the reason.
            instead_of: the version that is to be in use still; None where it may be any.

        Raises:
            ModelError: there is none, it is damaged or in use already, or the store cannot be written.
        """
        self.version(number)
        with self._locked() as before:
            current = _in_use(before)[-1]
            if current == number:
                raise ModelError(f"version {number} is in use already", "formdigits models list shows all versions")
            if instead_of not in (None, current):
                raise ModelError(
                    f"version {current} came into use meanwhile, and version {number} was compared with {instead_of}",
                    "train again, or promote it by hand",
                )
            return self._write(before, Promotion(number, _now(), by, why))

    def rollback(self, by: str, why: str) -> Promotion:
        """Take the version that was in use before the current one into use again.

        Raises:
            ModelError: there was none before, it is damaged, or the store cannot be written.
        """
        with self._locked() as before:
            in_use = _in_use(before)
            if len(in_use) == 1:
                raise ModelError("there is no version to go back to", "formdigits models list shows all versions")
            self.version(in_use[-2])
            return self._write(before, Promotion(in_use[-2], _now(), by, why, is_rollback=True))

    def _read(self, number: int) -> Version:
        folder = self.folder / str(number)
        content = _content(folder / _VERSION_FILE, f"remove {folder}, or copy it whole from a backup")
        refused = tuple(content.pop("refused", ()))
        return Version(number, folder, _made(VersionCard, content | {"refused": refused}, folder / _VERSION_FILE))

    @contextmanager
    def _workshop(self) -> Iterator[Path]:
        self.folder.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(prefix=_WORKSHOP, dir=self.folder))
        try:
            made = workshop / "new"
            made.mkdir()
            yield made
        finally:
            shutil.rmtree(workshop)

    def _renamed(self, made: Path) -> int:
        """Gives the version the next free number; another program may take one at the same moment."""
        number = self.versions()[-1].number
        while True:
            number += 1
            try:
                made.rename(self.folder / str(number))
            except OSError:
                if not (self.folder / str(number)).exists():
                    raise
            else:
                _sync(self.folder)
                return number

    @contextmanager
    def _locked(self) -> Iterator[list[Promotion]]:
        """Holds back other promotions; yields those so far."""
        with _named_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / _LOCK_FILE).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield self.promotions()

    def _write(self, before: Sequence[Promotion], new: Promotion) -> Promotion:
        file = self.folder / _PROMOTIONS_FILE
        part = file.with_name(f".{file.name}.part")  # under the lock: nobody else writes it
        with part.open("w", encoding="utf-8") as stream:
            stream.write(_json({"promotions": [asdict(one) for one in (*before, new)]}))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
        _sync(self.folder)
        return new


def learned_to(store: ModelStore, ledger: str) -> int:
    """The number of the newest answer in a ledger that was known when a version was trained from it, 0 for none.

    Raises:
        ModelError: a version's card cannot be read.
    """
    cards = [version.card for version in store.versions() if version.card is not None]
    return max((card.learned_to for card in cards if card.ledger == ledger), default=0)


def remove_leftovers(store: ModelStore) -> None:
    """Removes what a training that was killed left half made. Only to be called while no other one is under way."""
    for workshop in store.folder.glob(f"{_WORKSHOP}*"):
        shutil.rmtree(workshop, ignore_errors=True)


def _in_use(promotions: Sequence[Promotion]) -> list[int]:
    """The versions that would come into use again by rollbacks, the one in use last."""
    numbers = [SHIPPED_VERSION]
    for promotion in promotions:
        if promotion.is_rollback:
            numbers.pop()
        else:
            numbers.append(promotion.version)
    return numbers


def _check(version: Version) -> None:
    """Raises ``ModelError`` where a bundle of the version is not whole."""
    _ = version.readers


def _content(file: Path, mend: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        written = content.pop("format")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"{file} cannot be read ({error})", mend) from error
    if written != STORE_FORMAT:
        raise ModelError(f"{file} is of format {written}, this version reads {STORE_FORMAT}", mend)
    return content


def _made(kind: type[Read], content: dict[str, Any], file: Path) -> Read:
    odd = content.keys() ^ {field.name for field in fields(kind)}
    if odd:
        raise ModelError(f"{file} lacks, or should not have: {', '.join(sorted(odd))}", "copy it whole from a backup")
    return kind(**content)


def _json(content: dict[str, Any]) -> str:
    return json.dumps({"format": STORE_FORMAT, **content}, indent=2) + "\n"


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")


def _settle(folder: Path) -> None:
    """Brings all files of a folder to the disk: a version that is there must outlast a power failure."""
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"the store of models {folder} cannot be written ({error.strerror})", "name another folder with --models"
        ) from error
