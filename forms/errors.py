"""What is wrong, said so that a person can mend it: the base of such errors, and what is wrong with a form file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class MendableError(Exception):
    """Something that cannot be used: what the problem is, and what a person can do about it."""

    def __init__(self, problem: str, mend: str):
        super().__init__(problem, mend)  # both, so that the error survives pickling between processes
        self.problem = problem
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.problem}; {self.mend}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: the place (file, field, key), the problem there, and what would mend it."""

    place: str
    problem: str
    mend: str

    def __str__(self) -> str:
        return " ".join(f"{self.place}: {self.problem}. {self.mend}".split())


class FormError(Exception):
    """A form that cannot be used. ``faults`` holds everything found wrong, in the order of the file.

    ``str()`` is one line: the first fault, and how many more there are.
    """

    def __init__(self, place: str, problem: str, mend: str, more: Sequence[Fault] = ()) -> None:
        self.faults = (Fault(place, problem, mend), *more)
        super().__init__(place, problem, mend, tuple(more))

    @staticmethod
    def of(faults: Sequence[Fault]) -> FormError:
        """One error that holds all of ``faults`` (at least one)."""
        first = faults[0]
        return FormError(first.place, first.problem, first.mend, faults[1:])

    @property
    def place(self) -> str:
        return self.faults[0].place

    @property
    def problem(self) -> str:
        return self.faults[0].problem

    @property
    def mend(self) -> str:
        return self.faults[0].mend

    def __str__(self) -> str:
        more = len(self.faults) - 1
        return f"{self.faults[0]}" + (f" (and {more} more: run form check)" if more else "")
