"""From the ledger's answers and crops to lessons: what a training is given to learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.errors import JobError
from forms.errors import FormError
from forms.form_file import load_forms
from forms.template import Field, FormTemplate
from ledger.lessons import CorrectedField
from preprocessing.isolation import CropError
from reading.crops import prepare_crop
from reading.lessons import Lesson


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Lessons, and how many answers give none: their crop is gone, or their form was not named or has changed."""

    lessons: tuple[Lesson, ...]
    without_crop: int
    of_other_forms: int


def load_all_forms(named: Sequence[str]) -> dict[str, FormTemplate]:
    """The forms by their names.

    Raises:
        JobError: one of them cannot be used.
    """
    try:
        return {form.name: form for one in named for form in load_forms(one)}
    except FormError as error:
        raise JobError(str(error)) from error


def gather(corrected: Sequence[CorrectedField], forms: Mapping[str, FormTemplate]) -> Gathered:
    """Lessons of the fields whose forms are named and whose crops are there."""
    placed = [(one, forms[one.form], field) for one in corrected if (field := _field_of(one, forms)) is not None]
    lessons = [_lesson(*each) for each in placed]
    found = tuple(lesson for lesson in lessons if lesson is not None)
    return Gathered(found, len(lessons) - len(found), len(corrected) - len(placed))


def _field_of(corrected: CorrectedField, forms: Mapping[str, FormTemplate]) -> Field | None:
    """The form's field, if it lies where it lay when the page was read."""
    form = forms.get(corrected.form)
    found = [field for field in form.fields if field.name == corrected.field] if form else []
    return next((field for field in found if field.box == corrected.box), None)


def _lesson(corrected: CorrectedField, form: FormTemplate, field: Field) -> Lesson | None:
    try:
        prepared = prepare_crop(corrected.png, form, field)
    except CropError:
        return None
    return Lesson(
        key=f"{corrected.page_id}:{corrected.position}",
        form=form,
        prepared=prepared,
        value=corrected.value,
        read=corrected.read,
        page=corrected.sha256,
        reviewer=corrected.reviewer,
        confirmed=corrected.confirmed,
    )
