"""One chunk of scans in, readings and problems out. Runs in this process or in a worker; knows no ledger, no Prefect.

Importing this module loads the whole read path (OpenCV, LiteRT), so the command imports it when it needs it.
"""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from flows.errors import JobError
from flows.learning.trusting import find_trust, policy_of
from forms.errors import FormError
from forms.form_file import load_forms
from forms.template import FormTemplate
from mnist_model.bundle import ModelError
from mnist_model.classifier import Classifier, load_classifier
from mnist_model.strings.reader import StringReader, load_string_reader
from preprocessing.page import Page, PageProblem, ProblemReason
from preprocessing.scans import ScanFile, open_scan
from reading.pipeline import PreparedPage, finish_pages, prepare_page, readers_of
from reading.policy import Policy
from reading.readings import PageReading

MAX_PREPARED_PAGES = 500  # prepared pages held at once: a chunk may be files of many pages

Result = PageReading | PageProblem


@dataclass(frozen=True, slots=True)
class NewScan:
    """A scan whose content was not read before."""

    file: ScanFile
    sha256: str


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """What a process needs to know to read pages; small, for it travels to the workers."""

    form: str
    model: str
    min_confidence: float | None = None
    string_model: str | None = None
    max_error: float | None = None
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkReading:
    """What a chunk gave: results in the order of its scans, and the traceback of whatever was unforeseen."""

    results: tuple[Result, ...]
    tracebacks: tuple[str, ...] = ()


class Turns(Protocol):
    """Is told what the reading of a chunk begins next: what dies or hangs then is to blame."""

    def begin_page(self, scan: int) -> None:
        """The next page of the chunk's scan number ``scan``, from 0, is decoded and prepared."""

    def begin_finish(self, pages: int) -> None:
        """So many prepared pages are classified and decided on."""


class _NoTurns:
    """Nobody is told."""

    def begin_page(self, scan: int) -> None: ...

    def begin_finish(self, pages: int) -> None: ...


_NOBODY = _NoTurns()


@dataclass(frozen=True, slots=True)
class PageReader:
    """What reads pages: forms, model and policy, loaded once a process."""

    forms: tuple[FormTemplate, ...]
    classifier: Classifier
    policy: Policy
    strings: StringReader | None = None

    @staticmethod
    def load(plan: ReadingPlan) -> PageReader:
        """Load what the plan names. Raises ``JobError`` where the form or the model can't be used."""
        try:
            forms, classifier = load_forms(plan.form), load_classifier(plan.model)
            strings = load_string_reader(plan.string_model) if plan.string_model else None
            trust = find_trust(plan.trust, plan.model, plan.string_model, readers_of(classifier, strings))
            return PageReader(forms, classifier, policy_of(forms, trust, plan.max_error, plan.min_confidence), strings)
        except (FormError, ModelError) as error:
            raise JobError(str(error)) from error

    def read(self, scans: Sequence[NewScan], turns: Turns = _NOBODY) -> ChunkReading:
        """Read scans with one call of the classifier for each ``MAX_PREPARED_PAGES`` pages.

        Nothing that goes wrong on a page is raised: it becomes that page's ``PageProblem``.
        """
        return _Chunk(self, turns).read(scans)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A prepared page and what it is called; its image is not held."""

    scan: str
    page: int
    sha256: str
    prepared: PreparedPage


class _Chunk:
    """The reading of one chunk, with the tracebacks that it gathers."""

    def __init__(self, reader: PageReader, turns: Turns):
        self.reader = reader
        self.turns = turns
        self.tracebacks: list[str] = []

    def read(self, scans: Sequence[NewScan]) -> ChunkReading:
        results: list[Result] = []
        pages = itertools.chain.from_iterable(itertools.starmap(self._prepare_scan, enumerate(scans)))
        while group := list(itertools.islice(pages, MAX_PREPARED_PAGES)):
            results += self._finish(group)
        return ChunkReading(tuple(results), tuple(self.tracebacks))

    def _prepare_scan(self, number: int, scan: NewScan) -> Iterator[_Ready | PageProblem]:
        last_page = 0
        self.turns.begin_page(number)
        try:
            for page in open_scan(scan.file, scan.sha256):
                last_page = page.page
                yield page if isinstance(page, PageProblem) else self._prepare_page(page)
                self.turns.begin_page(number)
        except Exception as error:  # the border where the unforeseen becomes a row
            yield self._internal_error(scan.file.name, last_page + 1 if last_page else 0, scan.sha256, error)

    def _prepare_page(self, page: Page) -> _Ready | PageProblem:
        try:
            prepared = prepare_page(page, self.reader.forms)
        except Exception as error:  # the border where the unforeseen becomes a row
            return self._internal_error(page.scan, page.page, page.sha256, error)
        if isinstance(prepared, PageProblem):
            return prepared
        return _Ready(page.scan, page.page, page.sha256, prepared)

    def _finish(self, pages: Sequence[_Ready | PageProblem]) -> list[Result]:
        ready = [page for page in pages if isinstance(page, _Ready)]
        self.turns.begin_finish(len(ready))
        readings = iter(self._finish_ready(ready))
        return [next(readings) if isinstance(page, _Ready) else page for page in pages]

    def _finish_ready(self, ready: Sequence[_Ready]) -> Sequence[Result]:
        try:
            return self._classify([page.prepared for page in ready])
        except Exception:  # one page of the chunk is at fault: the others are read all the same
            return [self._finish_alone(page) for page in ready]

    def _finish_alone(self, page: _Ready) -> Result:
        self.turns.begin_finish(1)
        try:
            return self._classify([page.prepared])[0]
        except Exception as error:  # the border where the unforeseen becomes a row
            return self._internal_error(page.scan, page.page, page.sha256, error)

    def _classify(self, prepared: Sequence[PreparedPage]) -> list[PageReading]:
        reader = self.reader
        return finish_pages(prepared, reader.classifier, reader.policy, reader.strings) if prepared else []

    def _internal_error(self, scan: str, page: int, sha256: str, error: Exception) -> PageProblem:
        if isinstance(error, MemoryError):
            return quarantined(scan, page, sha256, "more memory than a page may take")
        self.tracebacks.append(f"{scan}, page {page}:\n{''.join(traceback.format_exception(error))}")
        return internal_error(scan, page, sha256, f"{type(error).__name__}: {error}")


def internal_error(scan: str, page: int, sha256: str, what: str) -> PageProblem:
    """The problem of a page on which something unforeseen happened."""
    detail = f"The software failed on this page ({' '.join(what.split())}); the log has the details."
    return PageProblem(scan, page, sha256, ProblemReason.INTERNAL_ERROR, detail)


def quarantined(scan: str, page: int, sha256: str, what: str) -> PageProblem:
    """The problem of a page that did harm to whatever read it: it is not tried again."""
    detail = f"Reading this page took {what}: it is set aside, and the batch goes on without it."
    return PageProblem(scan, page, sha256, ProblemReason.QUARANTINED, detail)
