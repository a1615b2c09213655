"""Spoils the cards of copied bundles."""

import json
from pathlib import Path
from typing import Any

from mnist_model.bundle import CARD_FILE


def change_card(folder: Path, **changes: Any) -> None:
    """Sets entries of the card in ``folder``."""
    file = folder / CARD_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def drop_from_card(folder: Path, name: str) -> None:
    """Takes an entry out of the card in ``folder``."""
    file = folder / CARD_FILE
    card = json.loads(file.read_text())
    del card[name]
    file.write_text(json.dumps(card))
