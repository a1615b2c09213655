"""What every request needs, put together once at the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jinja2 import Environment

from ledger.review.desk import Review
from review.access import Access
from review.counting import Counts
from review.form_library import FormLibrary
from review.settings import ReviewSettings
from review.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that requests share; all of them may be used by several threads."""

    review: Review
    counts: Counts
    forms: FormLibrary
    access: Access
    settings: ReviewSettings
    surroundings: Surroundings
    templates: Environment
    answered: Callable[[], None]
