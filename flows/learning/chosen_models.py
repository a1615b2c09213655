"""Which models read: those that were named, or else the version in use in the store of models."""

from __future__ import annotations

import os
from pathlib import Path

from flows.batches.batch_lock import SQLITE
from flows.errors import JobError
from mnist_model.bundle import ModelError
from mnist_model.model_store import ModelStore
from mnist_model.versions import DIGITS, STRINGS

MODELS_VARIABLE = "FORMDIGITS_MODELS"
NO_STRINGS = "none"  # in place of a string reader's name: the digit model reads alone


def store_folder(models: str | None, ledger_url: str | None) -> Path | None:
    """Where the versions of the models lie: as named, by the environment, else beside an SQLite ledger."""
    named = models or os.environ.get(MODELS_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    if ledger_url is None or not ledger_url.startswith(SQLITE):
        return None
    return Path(ledger_url.removeprefix(SQLITE)).expanduser().absolute().parent / "models"


def model_store(models: str | None, ledger_url: str | None) -> ModelStore:
    """The store of models.

    Raises:
        JobError: nothing says where it is.
    """
    folder = store_folder(models, ledger_url)
    if folder is None:
        raise JobError(
            "Nothing says where the versions of the models are.",
            f"Name their folder: --models, or {MODELS_VARIABLE}; or the SQLite ledger beside which they lie: --ledger.",
        )
    return ModelStore(folder)


def chosen_models(model: str | None, string_model: str | None, store: Path | None) -> tuple[str, str | None]:
    """The digit model and the string reader, None for none, by name or folder.

    Args:
        model: as named by the user, None where not.
        string_model: likewise.
        store: the folder of the store of models. What it has in use counts where the user names neither.

    Raises:
        JobError: the version in use cannot be read.
    """
    if model is None and string_model is None and store is not None:
        try:
            version = ModelStore(store).current()
        except ModelError as error:
            raise JobError(str(error)) from error
        return version.digit_model, version.string_model
    return model or DIGITS, None if string_model == NO_STRINGS else string_model or STRINGS
