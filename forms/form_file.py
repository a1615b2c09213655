"""form.toml -> ``FormTemplate``. Everything that is wrong with a file is found in one go, before page 1."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from forms.entries import BatchTotalEntry, Entry, FormEntry, PageEntry, RegistrationEntry, SumEntry
from forms.errors import Fault, FormError
from forms.form_document import FormDocument, reason_of
from forms.form_fields import WHOLE_IMAGE, FieldReader
from forms.geometry import in_one_line, off_page, overlap, overlapping_fields, square
from forms.page_rules import batch_total_of, sum_of
from forms.rules import BatchTotal, SumRule
from forms.template import Field, FormTemplate, Mark

BUILT_IN = ("digits", "zip", "amount", "date")
MAX_FILE_BYTES = 1_000_000

_EntryT = TypeVar("_EntryT", bound=Entry)


def load_forms(form: str | Path, today: date | None = None) -> tuple[FormTemplate, ...]:
    """The forms that ``form`` names, checked.

    Args:
        form: The name of a built-in form (as ``str``), a form file, a folder with ``form.toml`` in it, or a folder
            of such folders.
        today: The day that windows of dates are measured from where a form states none; by default the present one.

    Raises:
        FormError: Nothing there, or something wrong with a form, or two forms of one name.
    """
    if form in BUILT_IN:
        return (load_form(Path(__file__).parent / "builtin" / f"{form}.toml", today),)
    templates: list[FormTemplate] = []
    faults: list[Fault] = []
    for path in _form_files(Path(form)):
        try:
            templates.append(load_form(path, today))
        except FormError as error:
            faults += error.faults
    for name, count in Counter(template.name for template in templates).items():
        if count > 1:
            faults.append(Fault(str(form), f'{count} forms are named "{name}"', "Give each its own name."))
    if faults:
        raise FormError.of(faults)
    return tuple(templates)


def load_form(path: Path, today: date | None = None) -> FormTemplate:
    """The form that one form file states, checked. ``today`` is as for ``load_forms``.

    Raises:
        FormError: The file, its blank or a roster can't be read, or something in it is wrong.
    """
    raw = _read(path)
    return form_of(_parse(raw, str(path)), path, raw, today)


def form_of(document: dict[str, Any], path: Path, raw: bytes, today: date | None = None) -> FormTemplate:
    """The form that a parsed form file states.

    Args:
        document: The file as ``tomllib`` gives it.
        path: Where the file lies: messages name it, and the path of the blank is relative to its folder.
        raw: The bytes of the file, for the digest.
        today: As for ``load_forms``.

    Raises:
        FormError: Something in it is wrong.
    """
    return _FormReader(FormDocument(document, path, raw, today or date.today())).form()


def _form_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    if (path / "form.toml").exists():
        return [path / "form.toml"]
    found = sorted(path.glob("*/form.toml"))
    if not found:
        raise FormError(str(path), "there is no form.toml in this folder or in one below it", "Name a form file.")
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        mend = f"Name a form file, a folder of forms, or one of {', '.join(BUILT_IN)}."
        raise FormError(str(path), "there is no such form", mend) from None
    except (OSError, ValueError) as error:
        raise FormError(
            str(path), f"cannot be read ({reason_of(error)})", "Check the path and its permissions."
        ) from None
    if not raw.strip():
        raise FormError(str(path), "the file is empty", "Start from the example in docs/forms.md.")
    if len(raw) > MAX_FILE_BYTES:
        raise FormError(str(path), "is too large for a form file", "Name the form.toml, not a scan.")
    return raw


def _parse(raw: bytes, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))  # Windows editors put a byte order mark in front
    except UnicodeDecodeError:
        raise FormError(place, "is not a text file in UTF-8", "Save it as UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise FormError(place, f"is not TOML: {error}", "Mend that line; strings stand in quotes.") from None


class _FormReader:
    """Makes a template of a document, or raises with all that is wrong with it."""

    def __init__(self, document: FormDocument) -> None:
        self._document = document
        self._fields = FieldReader(document)

    def form(self) -> FormTemplate:
        top = self._document.top(FormEntry)
        # A fault at the top does not end it: the tables below are checked all the same, so that all is shown at once.
        template = self._whole_image(top) if self._document.whole_image else self._paper(top)
        if template is None:
            raise FormError.of(self._document.faults)
        return template

    def _paper(self, top: FormEntry | None) -> FormTemplate | None:
        page = self._document.table(PageEntry, "page")
        registration = self._document.optional_table(RegistrationEntry, "registration")
        blank = self._document.blank(page.blank) if page and page.blank else None
        marks = tuple(Mark(mark.x_mm, mark.y_mm, mark.size_mm) for mark in (registration and registration.marks) or ())
        if page and registration and not (page.blank or marks):
            self._document.fault(
                "[page], blank", "there is neither a blank nor marks to register by", 'Add blank = "blank.png".'
            )
        fields = self._fields.on_paper()
        if page:
            self._check_places(fields, marks, page)
        sums, batch_totals = self._sums(fields), self._batch_totals(fields)
        if self._document.faults or not (top and page and registration):
            return None
        return FormTemplate(
            name=top.name,
            version=top.version,
            title=top.title,
            page_width_mm=page.width_mm,
            page_height_mm=page.height_mm,
            working_dpi=page.dpi,
            fields=tuple(fields),
            marks=marks,
            blank=blank,
            max_residual_mm=registration.max_residual_mm,
            digest=self._document.digest.hexdigest(),
            sums=sums,
            batch_totals=batch_totals,
        )

    def _whole_image(self, top: FormEntry | None) -> FormTemplate | None:
        for key in ("page", "registration"):
            if self._document.states(key):
                self._document.fault(key, "a whole_image form has no page", f"Remove [{key}], or whole_image.")
        fields = self._fields.of_whole_image()
        sums, batch_totals = self._sums(fields), self._batch_totals(fields)
        if self._document.faults or not (top and fields):
            return None
        return FormTemplate(
            name=top.name,
            version=top.version,
            title=top.title,
            page_width_mm=WHOLE_IMAGE.width_mm,
            page_height_mm=WHOLE_IMAGE.height_mm,
            working_dpi=PageEntry.model_fields["dpi"].default,
            fields=tuple(fields),
            whole_image=True,
            digest=self._document.digest.hexdigest(),
            sums=sums,
            batch_totals=batch_totals,
        )

    def _sums(self, fields: Sequence[Field]) -> tuple[SumRule, ...]:
        rules = []
        for entry, where in self._rules(SumEntry, "sum"):
            rule, faults = sum_of(entry, fields, self._document.place(where))
            self._document.add(faults)
            rules += [rule] if rule else []
        return tuple(rules)

    def _batch_totals(self, fields: Sequence[Field]) -> tuple[BatchTotal, ...]:
        rules = []
        for entry, where in self._rules(BatchTotalEntry, "batch_total"):
            rule, faults = batch_total_of(entry, fields, self._document.place(where))
            self._document.add(faults)
            rules += [rule] if rule else []
        return tuple(rules)

    def _rules(self, model: type[_EntryT], key: str) -> list[tuple[_EntryT, str]]:
        """The sound entries of ``[[key]]``; none where a field that they mean may be missing."""
        stated = self._document.numbered(model, key)
        return stated if self._fields.sound else []

    def _check_places(self, fields: Sequence[Field], marks: Sequence[Mark], page: PageEntry) -> None:
        size = f"the page of {page.width_mm:g} x {page.height_mm:g} mm"
        for field in fields:
            if off_page(field.box, page.width_mm, page.height_mm):
                self._document.fault(
                    f'field "{field.name}"', f"lies off {size}", "Measure from the top left corner, in mm."
                )
        for number, mark in enumerate(marks, start=1):
            if off_page(square(mark), page.width_mm, page.height_mm):
                self._document.fault(
                    f"[registration], marks {number}", f"lies off {size}", "Give the centre of the square."
                )
            for field in fields:
                if any(overlap(square(mark), box) for box in field.boxes):
                    problem = f'lies on the field "{field.name}"'
                    self._document.fault(f"[registration], marks {number}", problem, "Measure both again.")
        if marks and in_one_line(marks):
            self._document.fault("[registration], marks", "lie in one line", "Add a mark away from that line.")
        for one, other in overlapping_fields(fields):
            self._document.fault(f'field "{other.name}"', f'overlaps the field "{one.name}"', "Measure both again.")
