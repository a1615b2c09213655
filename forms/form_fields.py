"""The fields of a form file: what each states about its place, its length and its rules, checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from forms.entries import NAME, FieldEntry, RepeatEntry, RosterEntry, shown
from forms.field_rules import check_digit_of, date_of
from forms.form_document import FormDocument, reason_of
from forms.geometry import boxes_of
from forms.patterns import PatternError, check_pattern
from forms.rosters import MAX_ROSTER_BYTES, roster_of
from forms.rules import CheckDigit, DateRule, Roster
from forms.template import Box, Field, FieldKind

CSV_COLUMNS = frozenset({"scan", "page", "form", "status", "to_review", "sha256"})  # records.csv has these already
MAX_FIELDS = 1000  # after repeats
WHOLE_IMAGE = Box(0.0, 0.0, 1.0, 1.0)


class FieldReader:
    """Reads a document's fields; what is wrong with them becomes the document's faults.

    ``sound`` tells, after ``on_paper`` or ``of_whole_image``, whether none of them is missing for a fault of its own.
    """

    def __init__(self, document: FormDocument) -> None:
        self.sound = False
        self._document = document

    def on_paper(self) -> list[Field]:
        """All fields, repetitions included; none where they are too many."""
        fields: list[Field] = []
        before = len(self._document.faults)
        for entry, where in self._document.fields():
            field = self._field(entry, where)
            if field:
                fields += _repeated(field, entry.repeat)
            if len(fields) > MAX_FIELDS:
                self._document.fault(where, f"the form has more than {MAX_FIELDS} fields", "Make two forms of it.")
                return []
        self.sound = len(self._document.faults) == before
        self._check_names(fields)
        return fields

    def of_whole_image(self) -> list[Field]:
        """The one field of a form that is an image as a whole; after a fault more or none."""
        stated = self._document.fields()
        fields = [field for entry, where in stated if (field := self._whole_image_field(entry, where))]
        if len(stated) > 1:
            self._document.fault("field", "a whole_image form has one field", "Keep one [[field]].")
        self.sound = len(fields) == len(stated)
        self._check_names(fields)
        return fields

    def _field(self, entry: FieldEntry, where: str) -> Field | None:
        """One field, before its repetition."""
        boxes, faults = boxes_of(entry, self._document.place(where))
        self._document.add(faults)
        sound = self._check_repeat(entry, where)
        length = self._length(entry, where, len(boxes))
        if not (boxes and length and sound):
            return None
        return self._made(entry, boxes, length, where)

    def _whole_image_field(self, entry: FieldEntry, where: str) -> Field | None:
        for key in ("x_mm", "y_mm", "width_mm", "height_mm", "digits", "gap_mm", "boxes", "repeat"):
            if getattr(entry, key) is not None:
                self._document.fault(f"{where}, {key}", "a whole_image form has no places", "Remove it.")
        if entry.type != "freehand":
            self._document.fault(
                f"{where}, type", "the field of a whole_image form is free-hand", 'Write type = "freehand".'
            )
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
            self._document.fault(f"{where}, closing", "only a free-hand field is closed by hand", "Remove it.")
        return entry.closing

    def _length(self, entry: FieldEntry, where: str, boxes: int) -> tuple[int, int] | None:
        """Smallest and largest number of digits; None after a fault that leaves it open."""
        where = f"{where}, length"
        if entry.length is None:
            if entry.type == "freehand":
                self._document.fault(
                    where, "is missing", "Say how many digits are written: length = 7 or length = [1, 7]."
                )
            return (boxes, boxes) if entry.type == "comb" and boxes else None
        low, high = entry.length
        if low > high:
            self._document.fault(where, f"{low} is more than {high}", "Write the smaller number first.")
            return None
        if entry.type == "comb" and boxes and high > boxes:
            self._document.fault(where, f"{high} is more than the {boxes} boxes", "Make digits or length agree.")
            return None
        return low, high

    def _check_pattern(self, entry: FieldEntry, length: tuple[int, int], where: str) -> None:
        if entry.pattern is not None:
            try:
                check_pattern(entry.pattern, *length)
            except PatternError as error:
                self._document.fault(f"{where}, pattern", f"'{entry.pattern}' {error.args[0]}", f"{error.args[1]}.")

    def _check_range(self, smallest: int | None, largest: int | None, length: tuple[int, int], where: str) -> None:
        if smallest is None or largest is None:
            return
        if smallest > largest:
            self._document.fault(
                f"{where}, range", f"{smallest} is more than {largest}", "Write the smaller value first."
            )
        elif smallest >= 10 ** length[1]:
            problem = f"no value of at most {length[1]} digits reaches {smallest}"
            self._document.fault(f"{where}, range", problem, "Make range and length agree.")

    def _check_digit(self, entry: FieldEntry, length: tuple[int, int], where: str) -> CheckDigit | None:
        if entry.check_digit is None:
            return None
        rule, faults = check_digit_of(entry.check_digit, length, self._document.place(f"{where}, check_digit"))
        self._document.add(faults)
        return rule

    def _date(self, entry: FieldEntry, length: tuple[int, int], where: str) -> DateRule | None:
        if entry.date is None:
            return None
        rule, faults = date_of(entry.date, length, self._document.today, self._document.place(f"{where}, date"))
        self._document.add(faults)
        return rule

    def _roster(self, entry: RosterEntry, length: tuple[int, int], where: str) -> Roster | None:
        """The roster; the bytes of its file go into the digest."""
        try:
            raw = self._document.head(entry.file, MAX_ROSTER_BYTES + 1)
        except (OSError, ValueError) as error:
            problem = f"{shown(entry.file)}: {reason_of(error)}"
            self._document.fault(f"{where}, file", problem, "A roster's path is relative to the form file.")
            return None
        if not raw.strip() or len(raw) > MAX_ROSTER_BYTES:
            problem = f"{shown(entry.file)} is {'too large for a roster' if raw.strip() else 'an empty file'}"
            self._document.fault(f"{where}, file", problem, "Name a CSV file with a column of the values.")
            return None
        self._document.digest.update(raw)
        roster, faults = roster_of(raw, entry, length, self._document.place(where))
        self._document.add(faults)
        return roster

    def _check_repeat(self, entry: FieldEntry, where: str) -> bool:
        repeat, before = entry.repeat, len(self._document.faults)
        if not re.fullmatch(NAME, entry.name.replace("{n}", "1") if repeat else entry.name):
            self._document.fault(
                f"{where}, name", "{n} goes with repeat, and other braces with nothing", "Name it plainly."
            )
        if repeat and "{n}" not in entry.name:
            self._document.fault(
                f"{where}, name", "is the same for all repetitions", f'Write name = "{entry.name}_{{n}}".'
            )
        if repeat and repeat.dx_mm == repeat.dy_mm == 0:
            self._document.fault(f"{where}, repeat", "all repetitions lie on one place", "Give dx_mm or dy_mm.")
        return len(self._document.faults) == before

    def _check_names(self, fields: Sequence[Field]) -> None:
        for name, count in Counter(field.name for field in fields).items():
            if count > 1:
                self._document.fault(
                    f'field "{name}", name', f"{count} fields have this name", "Give each its own name."
                )
            if name.lower() in CSV_COLUMNS:
                problem = "records.csv has a column of this name already"
                self._document.fault(f'field "{name}", name', problem, f'Write for instance "{name}_no".')


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
