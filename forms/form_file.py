"""form.toml -> ``FormTemplate``. Everything that is wrong with a file is found in one go, before page 1."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from forms.entries import (
    NAME,
    BatchTotalEntry,
    Entry,
    FieldEntry,
    FormEntry,
    PageEntry,
    RegistrationEntry,
    RepeatEntry,
    RosterEntry,
    SumEntry,
    faults_of,
    shown,
)
from forms.errors import Fault, FormError
from forms.field_rules import check_digit_of, date_of
from forms.geometry import boxes_of, in_one_line, off_page, overlap, overlapping_fields, square
from forms.page_rules import batch_total_of, sum_of
from forms.patterns import PatternError, check_pattern
from forms.rosters import MAX_ROSTER_BYTES, roster_of
from forms.rules import BatchTotal, CheckDigit, DateRule, Roster, SumRule
from forms.template import Box, Field, FieldKind, FormTemplate, Mark

BUILT_IN = ("digits", "zip", "amount", "date")
CSV_COLUMNS = frozenset({"scan", "page", "form", "status", "to_review", "sha256"})  # records.csv has these already
MAX_FILE_BYTES = 1_000_000
MAX_FIELDS = 1000  # after repeats
WHOLE_IMAGE = Box(0.0, 0.0, 1.0, 1.0)

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
    return _Reader(path, raw, today or date.today()).form(document)


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
            str(path), f"cannot be read ({_reason(error)})", "Check the path and its permissions."
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


def _opened(path: Path) -> BufferedReader:
    """A file beside the form, open to be read; ``OSError`` or ``ValueError`` where it is none."""
    if not path.is_file():
        raise FileNotFoundError(2, "there is no such file")
    return path.open("rb")


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


class _Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(self, path: Path, raw: bytes, today: date) -> None:
        self.path = path
        self.today = today
        self.digest = hashlib.sha256(raw)
        self.faults: list[Fault] = []
        self.fields_sound = False

    def form(self, document: dict[str, Any]) -> FormTemplate:
        top = self._entry(FormEntry, document, "")
        # A fault at the top does not end it: the tables below are checked all the same, so that all is shown at once.
        whole = document.get("whole_image") is True
        template = self._whole_image(document, top) if whole else self._paper(document, top)
        if template is None:
            raise FormError.of(self.faults)
        return template

    def _paper(self, document: dict[str, Any], top: FormEntry | None) -> FormTemplate | None:
        page = self._table(PageEntry, document, "page")
        registration = self._table(RegistrationEntry, {"registration": {}, **document}, "registration")
        blank = self._blank(page.blank) if page and page.blank else None
        marks = tuple(Mark(mark.x_mm, mark.y_mm, mark.size_mm) for mark in (registration and registration.marks) or ())
        if page and registration and not (page.blank or marks):
            self._fault(
                "[page], blank", "there is neither a blank nor marks to register by", 'Add blank = "blank.png".'
            )
        fields = self._fields(document)
        if page:
            self._check_places(fields, marks, page)
        sums, batch_totals = self._sums(document, fields), self._batch_totals(document, fields)
        if self.faults or not (top and page and registration):
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
            digest=self.digest.hexdigest(),
            sums=sums,
            batch_totals=batch_totals,
        )

    def _whole_image(self, document: dict[str, Any], top: FormEntry | None) -> FormTemplate | None:
        for key in ("page", "registration"):
            if key in document:
                self._fault(key, "a whole_image form has no page", f"Remove [{key}], or whole_image.")
        fields = [self._whole_image_field(entry, place) for entry, place in self._field_entries(document)]
        if len(fields) > 1:
            self._fault("field", "a whole_image form has one field", "Keep one [[field]].")
        sound = [field for field in fields if field]
        self.fields_sound = len(sound) == len(fields)
        self._check_names(sound)
        sums, batch_totals = self._sums(document, sound), self._batch_totals(document, sound)
        if self.faults or not top or not fields or fields[0] is None:
            return None
        return FormTemplate(
            name=top.name,
            version=top.version,
            title=top.title,
            page_width_mm=WHOLE_IMAGE.width_mm,
            page_height_mm=WHOLE_IMAGE.height_mm,
            working_dpi=PageEntry.model_fields["dpi"].default,
            fields=(fields[0],),
            whole_image=True,
            digest=self.digest.hexdigest(),
            sums=sums,
            batch_totals=batch_totals,
        )

    def _fault(self, where: str, problem: str, mend: str) -> None:
        self.faults.append(Fault(f"{self.path}: {where}", problem, mend))

    def _entry(self, model: type[_EntryT], table: dict[str, Any], where: str) -> _EntryT | None:
        try:
            return model.model_validate(table)
        except ValidationError as error:
            self.faults += faults_of(error, model, f"{self.path}: {where}")
            return None

    def _table(self, model: type[_EntryT], document: dict[str, Any], key: str) -> _EntryT | None:
        if document.get(key) is None:
            self._fault(f"[{key}]", "is missing", f"Add a [{key}] table; docs/forms.md has an example.")
        table = document.get(key)
        return self._entry(model, table, f"[{key}], ") if isinstance(table, dict) else None

    def _blank(self, stated: str) -> Path | None:
        """The blank's path; its bytes go into the digest."""
        path = self.path.parent / stated
        try:
            with _opened(path) as file:
                empty = not file.peek(1)
                while chunk := file.read(1 << 20):
                    self.digest.update(chunk)
        except (OSError, ValueError) as error:
            self._fault(
                "[page], blank", f"{shown(stated)}: {_reason(error)}", "A blank's path is relative to the form file."
            )
            return None
        if empty:
            self._fault("[page], blank", f"{shown(stated)} is an empty file", "Scan the empty form again.")
        return path

    def _field_entries(self, document: dict[str, Any]) -> list[tuple[FieldEntry, str]]:
        """The sound entries of ``[[field]]`` and how messages name each."""
        tables = document.get("field")
        found = []
        for number, table in enumerate(tables if isinstance(tables, list) else [], start=1):
            if isinstance(table, dict):
                name = table.get("name")
                where = f"field {shown(name) if isinstance(name, str) else number}"
                entry = self._entry(FieldEntry, table, f"{where}, ")
                if entry:
                    found.append((entry, where))
        return found

    def _fields(self, document: dict[str, Any]) -> list[Field]:
        fields: list[Field] = []
        before = len(self.faults)
        for entry, where in self._field_entries(document):
            field = self._field(entry, where)
            if field:
                fields += _repeated(field, entry.repeat)
            if len(fields) > MAX_FIELDS:
                self._fault(where, f"the form has more than {MAX_FIELDS} fields", "Make two forms of it.")
                return []
        self.fields_sound = len(self.faults) == before
        self._check_names(fields)
        return fields

    def _field(self, entry: FieldEntry, where: str) -> Field | None:
        """One field, before its repetition."""
        boxes, faults = boxes_of(entry, f"{self.path}: {where}")
        self.faults += faults
        sound = self._check_repeat(entry, where)
        length = self._length(entry, where, len(boxes))
        if not (boxes and length and sound):
            return None
        return self._made(entry, boxes, length, where)

    def _whole_image_field(self, entry: FieldEntry, where: str) -> Field | None:
        for key in ("x_mm", "y_mm", "width_mm", "height_mm", "digits", "gap_mm", "boxes", "repeat"):
            if getattr(entry, key) is not None:
                self._fault(f"{where}, {key}", "a whole_image form has no places", "Remove it.")
        if entry.type != "freehand":
            self._fault(f"{where}, type", "the field of a whole_image form is free-hand", 'Write type = "freehand".')
        length = self._length(entry, where, 0)
        return self._made(entry, (WHOLE_IMAGE,), length, where) if length else None

    def _made(self, entry: FieldEntry, boxes: tuple[Box, ...], length: tuple[int, int], where: str) -> Field:
        self._check_pattern(entry, length, where)
        smallest, largest = entry.range or (None, None)
        self._check_range(smallest, largest, length, where)
        return Field(
            name=entry.name,
            kind=FieldKind(entry.type),
            boxes=boxes,
            min_length=length[0],
            max_length=length[1],
            label=entry.label,
            required=entry.required,
            pattern=entry.pattern,
            min_value=smallest,
            max_value=largest,
            max_error=entry.max_error,
            check_digit=self._check_digit(entry, length, where),
            date=self._date(entry, length, where),
            roster=self._roster(entry.roster, length, f"{where}, roster") if entry.roster else None,
            closing=self._closing(entry, where),
            rules_kept=entry.rules_kept,
            two_keys=entry.two_keys,
        )

    def _closing(self, entry: FieldEntry, where: str) -> Literal["/-"] | None:
        if entry.closing and entry.type != "freehand":
            self._fault(f"{where}, closing", "only a free-hand field is closed by hand", "Remove it.")
        return entry.closing

    def _length(self, entry: FieldEntry, where: str, boxes: int) -> tuple[int, int] | None:
        """Smallest and largest number of digits; None after a fault that leaves it open."""
        where = f"{where}, length"
        if entry.length is None:
            if entry.type == "freehand":
                self._fault(where, "is missing", "Say how many digits are written: length = 7 or length = [1, 7].")
            return (boxes, boxes) if entry.type == "comb" and boxes else None
        low, high = entry.length
        if low > high:
            self._fault(where, f"{low} is more than {high}", "Write the smaller number first.")
            return None
        if entry.type == "comb" and boxes and high > boxes:
            self._fault(where, f"{high} is more than the {boxes} boxes", "Make digits or length agree.")
            return None
        return low, high

    def _check_pattern(self, entry: FieldEntry, length: tuple[int, int], where: str) -> None:
        if entry.pattern is not None:
            try:
                check_pattern(entry.pattern, *length)
            except PatternError as error:
                self._fault(f"{where}, pattern", f"'{entry.pattern}' {error.args[0]}", f"{error.args[1]}.")

    def _check_range(self, smallest: int | None, largest: int | None, length: tuple[int, int], where: str) -> None:
        if smallest is None or largest is None:
            return
        if smallest > largest:
            self._fault(f"{where}, range", f"{smallest} is more than {largest}", "Write the smaller value first.")
        elif smallest >= 10 ** length[1]:
            problem = f"no value of at most {length[1]} digits reaches {smallest}"
            self._fault(f"{where}, range", problem, "Make range and length agree.")

    def _check_digit(self, entry: FieldEntry, length: tuple[int, int], where: str) -> CheckDigit | None:
        if entry.check_digit is None:
            return None
        rule, faults = check_digit_of(entry.check_digit, length, f"{self.path}: {where}, check_digit")
        self.faults += faults
        return rule

    def _date(self, entry: FieldEntry, length: tuple[int, int], where: str) -> DateRule | None:
        if entry.date is None:
            return None
        rule, faults = date_of(entry.date, length, self.today, f"{self.path}: {where}, date")
        self.faults += faults
        return rule

    def _roster(self, entry: RosterEntry, length: tuple[int, int], where: str) -> Roster | None:
        """The roster; the bytes of its file go into the digest."""
        try:
            with _opened(self.path.parent / entry.file) as file:
                raw = file.read(MAX_ROSTER_BYTES + 1)
        except (OSError, ValueError) as error:
            problem = f"{shown(entry.file)}: {_reason(error)}"
            self._fault(f"{where}, file", problem, "A roster's path is relative to the form file.")
            return None
        if not raw.strip() or len(raw) > MAX_ROSTER_BYTES:
            problem = f"{shown(entry.file)} is {'too large for a roster' if raw.strip() else 'an empty file'}"
            self._fault(f"{where}, file", problem, "Name a CSV file with a column of the values.")
            return None
        self.digest.update(raw)
        roster, faults = roster_of(raw, entry, length, f"{self.path}: {where}")
        self.faults += faults
        return roster

    def _sums(self, document: dict[str, Any], fields: Sequence[Field]) -> tuple[SumRule, ...]:
        rules = []
        for entry, where in self._numbered(SumEntry, document, "sum"):
            rule, faults = sum_of(entry, fields, f"{self.path}: {where}")
            self.faults += faults
            rules += [rule] if rule else []
        return tuple(rules)

    def _batch_totals(self, document: dict[str, Any], fields: Sequence[Field]) -> tuple[BatchTotal, ...]:
        rules = []
        for entry, where in self._numbered(BatchTotalEntry, document, "batch_total"):
            rule, faults = batch_total_of(entry, fields, f"{self.path}: {where}")
            self.faults += faults
            rules += [rule] if rule else []
        return tuple(rules)

    def _numbered(self, model: type[_EntryT], document: dict[str, Any], key: str) -> list[tuple[_EntryT, str]]:
        """The sound entries of ``[[key]]`` and how messages name each; none where a field they mean may be missing."""
        tables = document.get(key)
        found = []
        for number, table in enumerate(tables if isinstance(tables, list) else [], start=1):
            entry = self._entry(model, table, f"{key} {number}, ") if isinstance(table, dict) else None
            if entry and self.fields_sound:
                found.append((entry, f"{key} {number}"))
        return found

    def _check_repeat(self, entry: FieldEntry, where: str) -> bool:
        repeat, before = entry.repeat, len(self.faults)
        if not re.fullmatch(NAME, entry.name.replace("{n}", "1") if repeat else entry.name):
            self._fault(f"{where}, name", "{n} goes with repeat, and other braces with nothing", "Name it plainly.")
        if repeat and "{n}" not in entry.name:
            self._fault(f"{where}, name", "is the same for all repetitions", f'Write name = "{entry.name}_{{n}}".')
        if repeat and repeat.dx_mm == repeat.dy_mm == 0:
            self._fault(f"{where}, repeat", "all repetitions lie on one place", "Give dx_mm or dy_mm.")
        return len(self.faults) == before

    def _check_names(self, fields: Sequence[Field]) -> None:
        for name, count in Counter(field.name for field in fields).items():
            if count > 1:
                self._fault(f'field "{name}", name', f"{count} fields have this name", "Give each its own name.")
            if name.lower() in CSV_COLUMNS:
                problem = "records.csv has a column of this name already"
                self._fault(f'field "{name}", name', problem, f'Write for instance "{name}_no".')

    def _check_places(self, fields: Sequence[Field], marks: Sequence[Mark], page: PageEntry) -> None:
        size = f"the page of {page.width_mm:g} x {page.height_mm:g} mm"
        for field in fields:
            if off_page(field.box, page.width_mm, page.height_mm):
                self._fault(f'field "{field.name}"', f"lies off {size}", "Measure from the top left corner, in mm.")
        for number, mark in enumerate(marks, start=1):
            if off_page(square(mark), page.width_mm, page.height_mm):
                self._fault(f"[registration], marks {number}", f"lies off {size}", "Give the centre of the square.")
            for field in fields:
                if any(overlap(square(mark), box) for box in field.boxes):
                    problem = f'lies on the field "{field.name}"'
                    self._fault(f"[registration], marks {number}", problem, "Measure both again.")
        if marks and in_one_line(marks):
            self._fault("[registration], marks", "lie in one line", "Add a mark away from that line.")
        for one, other in overlapping_fields(fields):
            self._fault(f'field "{other.name}"', f'overlaps the field "{one.name}"', "Measure both again.")


def _repeated(field: Field, repeat: RepeatEntry | None) -> list[Field]:
    """The field itself, or all its repetitions."""
    if repeat is None:
        return [field]
    return [_shifted(field, number, repeat) for number in range(1, repeat.count + 1)]


def _shifted(field: Field, number: int, repeat: RepeatEntry) -> Field:
    dx_mm, dy_mm = repeat.dx_mm * (number - 1), repeat.dy_mm * (number - 1)
    return replace(
        field,
        name=field.name.replace("{n}", str(number)),
        label=field.label.replace("{n}", str(number)),
        boxes=tuple(Box(box.x_mm + dx_mm, box.y_mm + dy_mm, box.width_mm, box.height_mm) for box in field.boxes),
    )
