"""The keys of a form file as pydantic models: which there are, their types and bounds. The border, and nothing more.

Each key carries a description and an example: the example is the mend that a message offers.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from forms.errors import Fault
from forms.patterns import MAX_DIGITS
from forms.rules import USUALLY_KEPT, CheckScheme

MAX_PAGE_MM = 2000.0
MAX_PATTERN = 200
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$"  # safe as a CSV column and a file name: no "=" or "-" in front
FIELD_NAME = r"^[A-Za-z0-9_{][A-Za-z0-9_.\-{}]*$"

Millimetres = Annotated[float, Field(gt=0, le=MAX_PAGE_MM, allow_inf_nan=False)]
Position = Annotated[float, Field(ge=0, le=MAX_PAGE_MM, allow_inf_nan=False)]
Shift = Annotated[float, Field(ge=-MAX_PAGE_MM, le=MAX_PAGE_MM, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(max_length=200)]


def _pair(value: Any) -> Any:
    """``7`` means ``[7, 7]``."""
    return [value, value] if isinstance(value, int) and not isinstance(value, bool) else value


Length = Annotated[
    list[Annotated[int, Field(ge=1, le=MAX_DIGITS)]], BeforeValidator(_pair), Field(min_length=2, max_length=2)
]


def _listed(value: Any) -> Any:
    """``"a"`` means ``["a"]``."""
    return [value] if isinstance(value, str) else value


def _under(key: str) -> BeforeValidator:
    """``"a"`` means ``{key = "a"}``, and ``["a", "b"]`` likewise."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str | list) else value)


Range = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)]
BoxNumbers = Annotated[list[Position], Field(min_length=4, max_length=4)]
DateFormat = Literal["ddmmyyyy", "mmddyyyy", "yyyymmdd", "ddmmyy", "mmddyy", "yymmdd"]
Formats = Annotated[list[DateFormat], BeforeValidator(_listed), Field(min_length=1, max_length=6)]
Names = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=64)]],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=500),
]
Share = Annotated[float, Field(ge=0.5, lt=1, allow_inf_nan=False)]
Scheme = Literal["aba", "luhn", "mod11", "isbn10", "mod97", "iban", "verhoeff", "ean", "isbn13"]


class Entry(BaseModel):
    """A table of the form file. Strict: ``"3"`` is no number, and an unknown key is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class RepeatEntry(Entry):
    """``repeat``: the field again and again at equal distances."""

    count: int = Field(ge=2, le=200, description="How many fields in all.", examples=[12])
    dx_mm: Shift = Field(0.0, description="How far each lies to the right of the one before.", examples=[0.0])
    dy_mm: Shift = Field(0.0, description="How far each lies below the one before.", examples=[9.0])


class CheckDigitEntry(Entry):
    """``check_digit``: the number protects itself against slips."""

    scheme: Scheme = Field(description="How.", examples=[CheckScheme.LUHN.value])
    weights: list[int] | None = Field(
        None,
        min_length=2,
        max_length=MAX_DIGITS,
        description="mod11: of each digit, the check digit included; default n, .., 2, 1.",
        examples=[[9, 8, 7, 6, 5, 4, 3, 2, 1]],
    )
    country: str | None = Field(
        None, pattern="^[A-Z]{2}$", description="iban: the two letters in front of the field.", examples=["DE"]
    )


class DateEntry(Entry):
    """``date``: a day of the calendar."""

    format: Formats = Field(description="Order of day, month and year; or several.", examples=["ddmmyyyy"])
    months_back: int | None = Field(
        None, ge=0, le=2400, description="How long before the reference day it may lie.", examples=[12]
    )
    months_ahead: int | None = Field(
        None, ge=0, le=2400, description="How long after the reference day it may lie.", examples=[1]
    )
    reference: date | None = Field(
        None,
        description="The day that the window is measured from; default the day of the run.",
        examples=[date(2026, 1, 31)],
    )


class RosterEntry(Entry):
    """``roster``: the values that there are, in a CSV file."""

    file: str = Field(
        min_length=1, max_length=1000, description="Its path, relative to the form file.", examples=["patients.csv"]
    )
    column: str = Field(min_length=1, max_length=200, description="The column of the values.", examples=["patient_id"])
    unique: bool = Field(False, description="Each value stands on one page of a batch only.", examples=[True])


class SumEntry(Entry):
    """``[[sum]]``: fields of a page that add up to others of it."""

    of: Names = Field(description="Names of the parts; * stands for anything.", examples=[["count_*"]])
    equals: Names = Field(description="Name of the total, or names.", examples=["total"])
    kept: Share = Field(USUALLY_KEPT, description="The share of pages on which it holds as written.", examples=[0.98])


class BatchTotalEntry(Entry):
    """``[[batch_total]]``: what a field adds up to over all pages of a batch."""

    field: str = Field(min_length=1, max_length=64, description="Name of the field.", examples=["amount"])
    total: int = Field(ge=0, description="The control total.", examples=[1250000])


class FieldEntry(Entry):
    """``[[field]]``: one value on the form."""

    name: str = Field(
        pattern=FIELD_NAME, max_length=64, description="Unique; letters, digits, _ - .", examples=["patient_id"]
    )
    type: Literal["comb", "freehand"] = Field(
        description="comb: one printed box a digit; freehand: digits side by side in one box.", examples=["comb"]
    )
    label: Text = Field("", description="The words printed beside it.", examples=["Patient no."])
    x_mm: Position | None = Field(None, description="Left edge of the whole field.", examples=[42.0])
    y_mm: Position | None = Field(None, description="Top edge of the whole field.", examples=[61.5])
    width_mm: Millimetres | None = Field(None, description="Width of the whole field, gaps included.", examples=[49.0])
    height_mm: Millimetres | None = Field(None, description="Height of the field.", examples=[8.0])
    digits: int | None = Field(None, ge=1, le=MAX_DIGITS, description="comb: the number of boxes.", examples=[7])
    gap_mm: Position | None = Field(None, description="comb: the space between two boxes; default 0.", examples=[1.0])
    boxes: list[BoxNumbers] | None = Field(
        None,
        min_length=1,
        max_length=MAX_DIGITS,
        description="comb with uneven boxes: [x, y, width, height] of each in mm, in reading order.",
        examples=[[[42.0, 61.5, 7.0, 8.0], [50.5, 61.5, 7.0, 8.0]]],
    )
    length: Length | None = Field(
        None, description="How many digits are written: 7 or [min, max]. Default for a comb: all boxes.", examples=[7]
    )
    required: bool = Field(True, description="Whether an empty field is flagged.", examples=[True])
    pattern: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_PATTERN,
        description="Regular expression for the whole value.",
        examples=[r"\d{7}"],
    )
    range: Range | None = Field(None, description="Smallest and largest value.", examples=[[0, 9999999]])
    check_digit: Annotated[CheckDigitEntry, _under("scheme")] | None = Field(
        None, description="The number's check digit.", examples=["luhn"]
    )
    date: Annotated[DateEntry, _under("format")] | None = Field(
        None, description="The value is a date.", examples=["ddmmyyyy"]
    )
    roster: RosterEntry | None = Field(
        None, description="The value is one of a list.", examples=[{"file": "patients.csv", "column": "patient_id"}]
    )
    closing: Literal["/-"] | None = Field(
        None, description="freehand: what people close the amount with.", examples=["/-"]
    )
    rules_kept: Share = Field(
        USUALLY_KEPT, description="The share of written values that keep the field's rules.", examples=[0.99]
    )
    max_error: float | None = Field(
        None,
        gt=0,
        le=0.5,
        allow_inf_nan=False,
        description="The share of accepted values that may be wrong; default what the run asks for.",
        examples=[0.005],
    )
    two_keys: bool = Field(False, description="Whether two people key it where people have to look.", examples=[True])
    repeat: RepeatEntry | None = Field(
        None,
        description="The same field several times; {n} in name and label counts from 1.",
        examples=[{"count": 12, "dx_mm": 0.0, "dy_mm": 9.0}],
    )


class PageEntry(Entry):
    """``[page]``: the paper and its blank."""

    width_mm: Millimetres = Field(description="Width of the page, or of the scanned area.", examples=[210.0])
    height_mm: Millimetres = Field(description="Height of the same.", examples=[297.0])
    blank: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="A scan or PDF of the empty form; a path relative to the form file.",
        examples=["blank.png"],
    )
    dpi: int = Field(200, ge=100, le=400, description="Resolution at which fields are cut out.", examples=[200])


class MarkEntry(Entry):
    """One of ``marks``: a filled black square."""

    x_mm: Position = Field(description="Its centre, from the left edge.", examples=[10.0])
    y_mm: Position = Field(description="Its centre, from the top edge.", examples=[10.0])
    size_mm: Millimetres = Field(description="Its side.", examples=[5.0])


class RegistrationEntry(Entry):
    """``[registration]``: how a scan is laid over the form."""

    max_residual_mm: float = Field(
        1.0, gt=0, le=10, allow_inf_nan=False, description="A page that fits worse is refused.", examples=[1.0]
    )
    marks: list[MarkEntry] | None = Field(
        None,
        min_length=3,
        max_length=32,
        description="Three or more printed squares, not in one line.",
        examples=[[{"x_mm": 10.0, "y_mm": 10.0, "size_mm": 5.0}]],
    )


class FormEntry(Entry):
    """The top of the file. ``page``, ``registration`` and all ``[[...]]`` are checked by their own models."""

    name: str = Field(pattern=NAME, max_length=64, description="Name of the form.", examples=["patient"])
    version: str = Field(min_length=1, max_length=64, description="Change it with the print.", examples=["1"])
    title: Text = Field("", description="What people call the form.", examples=["Patient record"])
    whole_image: bool = Field(
        False, description="Each image is the one field, cut out already: no page, no place.", examples=[True]
    )
    page: dict[str, Any] | None = Field(None, description="The paper.", examples=[{"width_mm": 210.0}])
    registration: dict[str, Any] | None = Field(None, description="How scans are laid over it.", examples=[{}])
    field: list[dict[str, Any]] = Field(
        min_length=1, max_length=500, description="The fields.", examples=[[{"name": "patient_id"}]]
    )
    sum: list[dict[str, Any]] | None = Field(
        None, max_length=500, description="Sums across fields of a page.", examples=[[{"of": ["a", "b"]}]]
    )
    batch_total: list[dict[str, Any]] | None = Field(
        None, max_length=50, description="Control totals of a batch.", examples=[[{"field": "amount"}]]
    )


_NESTED: dict[tuple[type[Entry], str], type[Entry]] = {
    (FieldEntry, "repeat"): RepeatEntry,
    (FieldEntry, "check_digit"): CheckDigitEntry,
    (FieldEntry, "date"): DateEntry,
    (FieldEntry, "roster"): RosterEntry,
    (RegistrationEntry, "marks"): MarkEntry,
}


def faults_of(error: ValidationError, model: type[Entry], where: str) -> Iterator[Fault]:
    """Each error of pydantic as a fault: placed by ``where`` and the key, with a mend made from the key's example."""
    for detail in error.errors(include_url=False, include_context=False):
        keys = detail["loc"]
        place = where + _path(keys)
        if detail["type"] == "extra_forbidden":
            yield Fault(place, "there is no such key", _nearest(str(keys[-1]), _model_at(model, keys[:-1])))
        elif detail["type"] == "missing":
            yield Fault(place, "is missing", f"Add {_example(model, keys)}")
        else:
            yield Fault(place, f"{shown(detail['input'])}: {_said(detail)}", f"Write it like {_example(model, keys)}")


def shown(value: Any) -> str:
    """A value as it stands in the file, cut short."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:37] + "..."


def _said(detail: Any) -> str:
    if detail["type"] == "string_pattern_mismatch" and detail["loc"][-1] == "country":
        return "a country is two capital letters"
    if detail["type"] == "string_pattern_mismatch":
        return "a name is of letters, digits, _ - . and starts with a letter, a digit or _"
    if detail["type"] in ("model_type", "dict_type"):
        return "must be a table"
    message = str(detail["msg"]).replace("Input should", "must").replace(" after validation", "")
    return message[0].lower() + message[1:]


def _path(keys: tuple[int | str, ...]) -> str:
    """``("marks", 1, "x_mm")`` -> ``marks 2, x_mm``: people count from 1."""
    text = ""
    for key in keys:
        text += f" {key + 1}" if isinstance(key, int) else (", " if text else "") + key
    return text


def _model_at(model: type[Entry], keys: tuple[int | str, ...]) -> type[Entry]:
    """The model that the table under ``keys`` is checked by."""
    for key in keys:
        model = _NESTED.get((model, str(key)), model)
    return model


def _nearest(key: str, model: type[Entry]) -> str:
    close = difflib.get_close_matches(key, model.model_fields, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Remove it; the keys here are {', '.join(model.model_fields)}."


def _example(model: type[Entry], keys: tuple[int | str, ...]) -> str:
    """``x_mm = 42.0``, from the example of the innermost key."""
    deepest = max(place for place, key in enumerate(keys) if isinstance(key, str))
    key = str(keys[deepest])
    return f"{key} = {_toml(_model_at(model, keys[:deepest]).model_fields[key].examples)}."


def _toml(examples: list[Any] | None) -> str:
    return _inline(examples[0]) if examples else "..."


def _inline(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return f"'{value}'" if isinstance(value, str) and "\\" in value else json.dumps(value)
