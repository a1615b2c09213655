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
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from mnist_model.bundle import ModelError
from mnist_model.versions import (
    SHIPPED_VERSION,
    VERSION_FILE,
    Promotion,
    Version,
    VersionCard,
    read_promotions,
    read_version,
    write_content,
)

_PROMOTIONS_FILE, _LOCK_FILE, _WORKSHOP = "promotions.json", ".promotions.lock", ".making-"


class ModelStore:
    """The versions in one folder, which need not be there: then the shipped models are all there is."""

    def __init__(self, folder: Path):
        self.folder = folder

    def numbers(self) -> list[int]:
        """The numbers of all versions, 0 for the shipped models first; whether they are whole is not looked at."""
        kept = (int(path.name) for path in self.folder.glob("[1-9]*") if path.name.isdecimal())
        return [SHIPPED_VERSION, *sorted(kept)]

    def versions(self) -> list[Version]:
        """All versions, the shipped models first.

        Raises:
            ModelError: a version's card cannot be read.
        """
        return [self._read(number) for number in self.numbers()]

    def version(self, number: int) -> Version:
        """The version of that number, with bundles that are whole.

        Raises:
            ModelError: there is none, or it is damaged.
        """
        if number not in self.numbers():
            known = ", ".join(map(str, self.numbers()))
            raise ModelError(f"{self.folder} has no version {number}", f"name one of {known}")
        version = self._read(number)
        version.check()
        return version

    def current(self) -> Version:
        """The version in use.

        Raises:
            ModelError: it is damaged, or which one it is cannot be read.
        """
        number = self.current_number()
        try:
            return self.version(number)
        except ModelError as error:
            problem = f"version {number} is in use and cannot be read: {error.problem}"
            raise ModelError(problem, f"go back with formdigits models rollback, or {error.mend}") from error

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
        return read_promotions(file)

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """An empty folder in which a version is made, gone at the end if ``add`` did not take it.

        Raises:
            ModelError: the store cannot be written.
        """
        with _named_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            workshop = Path(tempfile.mkdtemp(prefix=_WORKSHOP, dir=self.folder))
            try:
                made = workshop / "new"
                made.mkdir()
                yield made
            finally:
                shutil.rmtree(workshop)

    def add(self, made: Path, card: VersionCard) -> Version:
        """Put a version into the store; it is not in use by that.

        Args:
            made: the folder of a workshop, with the bundles ``cnn`` and ``strings`` in it; it becomes the version's.
            card: what is known of it.

        Raises:
            ModelError: a bundle is not whole, or the store cannot be written.
        """
        with _named_errors(self.folder):
            write_content(made / VERSION_FILE, asdict(card))
            Version(SHIPPED_VERSION, made).check()
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
        return Version(number) if number == SHIPPED_VERSION else read_version(self.folder / str(number))

    def _renamed(self, made: Path) -> int:
        """Gives the version the next free number; another program may take one at the same moment."""
        number = self.numbers()[-1]
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
        write_content(part, {"promotions": [asdict(one) for one in (*before, new)]})
        _sync(part)
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
