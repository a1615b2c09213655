"""Which scans of a batch are new, and which only repeat what was read: a page is known by its content, not its name."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from flows.batches.page_reading import NewScan
from preprocessing.page import PageProblem, ProblemReason
from preprocessing.scans import ScanFile

MIN_CHUNK, MAX_CHUNK = 64, 200  # files: a second of work or more, so that to hand one over costs nothing beside it
CHUNKS_PER_WORKER = 16  # enough that no worker is idle for long at the end


class KnownContent(Protocol):
    """What the ledger is asked: contents (sha256) already read -> the name of the scan that was read."""

    def __call__(self, sha256s: Collection[str]) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Sifted:
    """What is to be read, and the problems of files that can't be read or repeat another's content."""

    new: tuple[NewScan, ...]
    problems: tuple[PageProblem, ...]


def chunk_size(files: int, workers: int) -> int:
    """Files a chunk: about 16 chunks a worker, of 64 to 200 files; fewer where a worker would get none."""
    usual = max(MIN_CHUNK, min(MAX_CHUNK, math.ceil(files / (CHUNKS_PER_WORKER * workers))))
    return max(1, min(usual, math.ceil(files / workers)))


def chunked(files: Sequence[ScanFile], size: int) -> Iterator[Sequence[ScanFile]]:
    """The files in groups of ``size``; the last may be smaller."""
    for start in range(0, len(files), size):
        yield files[start : start + size]


class UnreadScans:
    """Tells new scans from known ones, chunk by chunk, in the order of the folder.

    The first name of a content is the one that is read; ``known`` asks the ledger, and what is still being read by
    other chunks is remembered here, so the outcome does not depend on which chunk is done first.
    """

    def __init__(self, known: KnownContent):
        self._known = known
        self._under_way: dict[str, str] = {}

    def sift(self, files: Sequence[ScanFile], hashes: Sequence[str | PageProblem]) -> Sifted:
        """Sort out files, of which ``hashes`` holds each one's sha256, or why it can't be had."""
        named = [(file, sha256) for file, sha256 in zip(files, hashes, strict=True) if isinstance(sha256, str)]
        # Claimed before the ledger is asked: a content that is recorded in between is then found in one of the two.
        claims = [self._under_way.setdefault(sha256, file.name) for file, sha256 in named]
        known = self._known({sha256 for _, sha256 in named})
        self.recorded(known)
        new: list[NewScan] = []
        problems = [sha256 for sha256 in hashes if isinstance(sha256, PageProblem)]
        for (file, sha256), claim in zip(named, claims, strict=True):
            if (first := known.get(sha256, claim)) != file.name:
                problems.append(_duplicate(file, sha256, first))
            elif sha256 not in known:
                new.append(NewScan(file, sha256))
        return Sifted(tuple(new), tuple(problems))

    def recorded(self, sha256s: Iterable[str]) -> None:
        """From now on the ledger knows these."""
        for sha256 in sha256s:
            self._under_way.pop(sha256, None)


def _duplicate(file: ScanFile, sha256: str, first: str) -> PageProblem:
    return PageProblem(file.name, 0, sha256, ProblemReason.DUPLICATE, f"The same content as {first}: see there.")
