"""The ways a job ends other than well, each with its exit code."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.summary import DigitizeSummary


class ExitCode(IntEnum):
    """What the command's exit code says."""

    OK = 0  # every page was read, flags or not
    FAILED = 1  # it failed, or was stopped, on the way
    USAGE = 2  # wrong usage, form, model or output folder: nothing was read
    UNREADABLE_PAGES = 3  # finished, and some pages could not be read


class JobError(Exception):
    """The job can't start: found before page 1. ``str()`` is one line with the mend."""

    exit_code = ExitCode.USAGE

    def __init__(self, problem: str, mend: str = ""):
        super().__init__(f"{problem} {mend}".rstrip())  # one argument, so that it survives pickling between processes
        self.problem = problem
        self.mend = mend


class JobFailed(JobError):  # noqa: N818  # says what happened to the job
    """The job started and did not end well; ``summary`` is what there is all the same, if the ledger could give it."""

    exit_code = ExitCode.FAILED

    def __init__(self, problem: str, mend: str = "", summary: DigitizeSummary | None = None):
        super().__init__(problem, mend)
        self.summary = summary


class JobStopped(JobFailed):
    """A signal asked the job to stop: what was read is recorded and exported, the rest is left for the next run."""
