"""``retrain``: from people's answers to a version of the models, in use or refused. The flow is a shell around it.

Whatever goes wrong on the way, the version that was in use is in use still.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.batches.batch_lock import batch_lock
from flows.errors import JobError
from flows.learning.candidate import Current
from flows.learning.chosen_models import model_store
from flows.learning.gathering import Gathered, gather, load_all_forms
from flows.learning.learned import Learned, LearningStep, LearnSettings
from flows.learning.lessons import learn
from flows.learning.settings import RetrainJob
from flows.reports.training_report import REPORT_FILE, write_training_report
from forms.template import FormTemplate
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.lessons import Lessons
from mnist_model.bundle import ModelError, find_bundle
from mnist_model.digit_files import DatasetError
from mnist_model.model_store import ModelStore, learned_to, remove_leftovers
from mnist_model.strings.bundle import find_string_bundle
from mnist_model.versions import Version, VersionCard
from reading.lessons import LearningError, Shortage

GATE = "formdigits retrain"  # who promotes

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Retraining:
    """What a training came to; ``version`` is None, and nothing was trained, where there was nothing new to learn.

    ``parent`` is the version that was in use, ``kept_back`` why the new one is not.
    """

    parent: int
    new_answers: int
    gathered: Gathered | None = None
    learned: Learned | None = None
    version: Version | None = None
    kept_back: tuple[str, ...] = ()

    @property
    def report(self) -> Path | None:
        """The report of the training."""
        return None if self.version is None or self.version.folder is None else self.version.folder / REPORT_FILE


def retrain(
    job: RetrainJob,
    progress: Callable[[LearningStep], None] = lambda _: None,
    settings: LearnSettings | None = None,
) -> Retraining:
    """Learn from the ledger's answers; take the new version into use if it passes the gate.

    Args:
        job: what to learn from.
        progress: told after each step.
        settings: how to learn, in place of the usual way with the job's seed and data.

    Raises:
        JobError: there is too little to learn from, MNIST, a form, the ledger or the version in use cannot be read, or
            another training is under way. Nothing has changed.
    """
    store = model_store(job.models, job.ledger)
    forms = load_all_forms(job.form)
    try:
        with Ledger.open(job.ledger) as ledger, _alone(store):  # a mistyped ledger leaves no folder
            remove_leftovers(store)
            return _Retrainer(job, store, ledger.lessons(), settings or _usual(job)).run(forms, progress)
    except (LedgerError, ModelError, DatasetError, LearningError) as error:
        raise JobError(str(error)) from error


def _usual(job: RetrainJob) -> LearnSettings:
    return LearnSettings(data=job.data, seed=job.seed)


@contextmanager
def _alone(store: ModelStore) -> Iterator[None]:
    """Raises ``JobError`` where another training into the store is under way."""
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JobError(
            f"The store of models {store.folder} cannot be made ({error.strerror}).", "Name another: --models."
        ) from error
    lock = store.folder / ".training.lock"
    with batch_lock(lock, lambda _: None, lambda: True) as got:
        if not got:
            raise JobError(f"Another training is under way ({lock.read_text()}).", "Wait until it is done.")
        yield


class _Retrainer:
    """One training."""

    def __init__(self, job: RetrainJob, store: ModelStore, lessons: Lessons, settings: LearnSettings):
        self._job, self._store, self._lessons, self._settings = job, store, lessons, settings

    def run(self, forms: dict[str, FormTemplate], progress: Callable[[LearningStep], None]) -> Retraining:
        parent, newest = self._store.current(), self._lessons.newest()
        fresh = self._lessons.count_since(learned_to(self._store, self._lessons.ledger))
        if newest and fresh < self._job.least_new:
            return Retraining(parent.number, fresh)
        gathered = gather(self._lessons.corrected(), forms)
        _check(gathered)
        with self._store.workshop() as folder:
            learned = learn(gathered.lessons, _folders(parent), folder, self._settings, progress)
            write_training_report(parent, gathered, learned, folder / REPORT_FILE)
            version = self._store.add(folder, self._card(parent, newest, learned))
        kept_back = learned.verdict.reasons or self._promote(version, parent, learned)
        return Retraining(parent.number, fresh, gathered, learned, version, kept_back)

    def _card(self, parent: Version, newest: int, learned: Learned) -> VersionCard:
        total = learned.kinds[0]
        return VersionCard(
            created=dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
            parent=parent.number,
            trained_on={
                f"{learned.trained} corrections": learned.trained_on,
                "MNIST and what the nets were trained on before": learned.cnn.card.data_sha256,
            },
            ledger=self._lessons.ledger,
            learned_to=newest,
            figures={
                "held_out": total.count,
                "right_before": total.right_before,
                "right_after": total.right_after,
                "mnist_before": learned.mnist_before,
                "mnist_after": learned.mnist_after,
            },
            refused=learned.verdict.reasons,
        )

    def _promote(self, version: Version, parent: Version, learned: Learned) -> tuple[str, ...]:
        """Takes the version into use, unless another came into use meanwhile: with that one it was not compared."""
        total = learned.kinds[0]
        why = f"right on {total.right_after} of {total.count} held-out fields, before on {total.right_before}"
        try:
            self._store.promote(version.number, GATE, why, instead_of=parent.number)
        except ModelError as error:
            return (str(error),)
        return ()


def _check(gathered: Gathered) -> None:
    """Says what keeps answers from being lessons, where none is one."""
    if not gathered.lessons and gathered.of_other_forms:
        raise JobError(
            f"None of the {gathered.of_other_forms} answers is of the forms that were named, as they are now.",
            "Name the forms by which the pages were read with --form.",
        )
    if not gathered.lessons and gathered.without_crop:
        raise LearningError(
            Shortage.ERASED_CROPS,
            f"the crops of all {gathered.without_crop} answers are gone",
            "keep crops in the ledger for longer, or check more fields",
        )


def _folders(version: Version) -> Current:
    return Current(find_bundle(version.digit_model), find_string_bundle(version.string_model))


def describe_retraining(done: Retraining) -> Iterator[str]:
    """What a training came to, as people read it."""
    if done.learned is None or done.version is None:
        yield f"Nothing  {done.new_answers} new answers since the last training; version {done.parent} stays in use"
        return
    learned = done.learned
    yield f"Learned  from {learned.trained} answers in {learned.seconds:.0f} s; {learned.held_out} held out to judge by"
    for kind in learned.kinds:
        before, after = (f"{right / kind.count:.1%}" for right in (kind.right_before, kind.right_after))
        yield f"Right    {kind.name}: {before} before, {after} after, of {kind.count}"
    if learned.suspects.keys:
        yield f"Aside    {len(learned.suspects.keys)} answers that all nets contradict: look at them a second time"
    for reason in done.kept_back:
        yield f"Refused  {reason}"
    state = f"is kept, and not used: version {done.parent} is" if done.kept_back else "is in use from the next run on"
    yield f"Version  {done.version.number} {state}"
    yield f"Report   {done.report}"
