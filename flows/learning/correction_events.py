"""Tells Prefect when people have settled enough fields for a training to be worth its time; an automation starts it."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flows.environment import configured_api
from flows.errors import JobError
from flows.learning.chosen_models import store_folder
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.lessons import Lessons
from mnist_model.bundle import ModelError
from mnist_model.model_store import ModelStore, learned_to

EVENT = "formdigits.corrections.gathered"
AFTER_VARIABLE = "FORMDIGITS_RETRAIN_AFTER"
USUAL_AFTER = 200
LOOK_EVERY_S = 60

logger = logging.getLogger(__name__)


class CorrectionWatch:
    """Counts the answers since the last training, and tells each time that there are ``after`` more of them."""

    def __init__(self, lessons: Lessons, store: ModelStore | None, after: int):
        """Counts for the first time.

        Raises:
            LedgerError: the ledger cannot be read.
            ModelError: the store cannot be read.
        """
        self._lessons, self._store, self._after = lessons, store, after
        self._told = self._count() // after

    def look(self) -> bool:
        """Count again, and tell Prefect where another ``after`` are there; returns whether it was told.

        Raises:
            LedgerError: the ledger cannot be read.
            ModelError: the store cannot be read.
        """
        count = self._count()
        before, self._told = self._told, count // self._after
        if self._told <= before:
            return False
        _emit(self._lessons.ledger, count)
        return True

    def _count(self) -> int:
        return self._lessons.count_since(0 if self._store is None else learned_to(self._store, self._lessons.ledger))


@contextmanager
def announced_corrections(ledger: Ledger, ledger_url: str) -> Iterator[None]:
    """Tell Prefect of what people answer within the block; where no Prefect API is configured, nobody is told.

    Raises:
        JobError: the number of answers after which to tell is none.
    """
    watch = None if configured_api() is None else _watch(ledger, ledger_url)
    if watch is None:
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_keep_looking, args=(watch, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _watch(ledger: Ledger, ledger_url: str) -> CorrectionWatch | None:
    folder, after = store_folder(None, ledger_url), _after()
    try:
        return CorrectionWatch(ledger.lessons(), None if folder is None else ModelStore(folder), after)
    except ModelError as error:  # a damaged store keeps nobody from answering
        logger.warning("New answers are not counted: %s", error)
        return None


def _keep_looking(watch: CorrectionWatch, done: threading.Event) -> None:
    """Once a minute, and a last time at the end."""
    while True:
        is_last = done.wait(LOOK_EVERY_S)
        try:
            watch.look()
        except (LedgerError, ModelError) as error:  # answers are recorded all the same; the next look counts them
            logger.warning("New answers could not be counted: %s", error)
        if is_last:
            return


def _after() -> int:
    said = os.environ.get(AFTER_VARIABLE, str(USUAL_AFTER))
    if not said.isdecimal() or not int(said):
        raise JobError(
            f"{AFTER_VARIABLE} is {said!r}.", "Give the number of answers after which to train, such as 200."
        )
    return int(said)


def _emit(ledger: str, count: int) -> None:
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.events import Event, Resource

    digest = hashlib.sha256(ledger.encode()).hexdigest()[:16]
    resource = Resource({"prefect.resource.id": f"formdigits.ledger.{digest}", "prefect.resource.name": ledger})
    event = Event(event=EVENT, resource=resource, payload={"new_answers": count})
    try:
        with get_client(sync_client=True) as client:
            client.request("POST", "/events", json=[event.model_dump(mode="json")]).raise_for_status()
    except httpx.HTTPError as error:  # people's answers are recorded; the weekly training will find them
        logger.warning("Prefect could not be told of %d new answers: %s", count, error)
