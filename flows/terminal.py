"""What the command shows while it works: a progress bar on a terminal, nothing where nobody looks; logs on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from flows.batches.digitizing import Progress


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stderr`` is at the moment: a progress bar replaces it to keep the lines apart."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None: ...


def set_up_logging(verbosity: int) -> None:
    """Warnings only; with -v what the software does, with -vv what the libraries do too."""
    handler = StderrHandler()
    # Prefect logs its runs at INFO, for its own page: the handler's level keeps that from the terminal.
    handler.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)])
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbosity > 1 else logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("flows").setLevel(logging.INFO)


def say(line: str) -> None:
    """A line for people who wait; stdout is left to results."""
    click.echo(line, err=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """Yields what is told about the progress; the bar shows pages a second and the time left."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, pace="")

        def show(progress: Progress) -> None:
            pace = f"{progress.pages / progress.seconds:.1f} pages/s" if progress.seconds > 0 else ""
            bar.update(task, completed=progress.files_done, total=progress.files_total, pace=pace)

        yield show
