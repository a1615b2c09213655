"""Forms for people: what a form file says, and a scan with what the software believes drawn over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from flows.batches.page_reading import PageReader, ReadingPlan
from flows.errors import JobError
from forms.errors import FormError
from forms.form_file import load_forms
from forms.template import FormTemplate
from preprocessing.page import Page, PageProblem
from preprocessing.pictures import draw_page, encode_png
from preprocessing.registration import register
from preprocessing.scans import ScanFolderError, first_scan, hash_scan, open_scan
from reading.pipeline import read_page
from reading.readings import FieldReading

Good = TypeVar("Good")


def describe_forms(form: str) -> Iterator[str]:
    """A line for each form and field. Raises ``JobError`` with a line for each fault where a form is wrong."""
    try:
        templates = load_forms(form)
    except FormError as error:
        raise JobError("\n".join(map(str, error.faults))) from error
    for template in templates:
        yield f"{template.name} {template.version}: {template.title or template.name}, {_page_size(template)}"
        for field in template.fields:
            need = "required" if field.required else "optional"
            yield f"  {field.name}: {field.kind}, {field.min_length} to {field.max_length} digits, {need}"


def _page_size(template: FormTemplate) -> str:
    if template.whole_image:
        return "each image is one field"
    return f"{template.page_width_mm:g} x {template.page_height_mm:g} mm"


def draw_scan(form: str, scan: Path, model: str, picture: Path) -> None:
    """Write a picture of the scan's first page with each field's boxes, value, confidence and reasons.

    Raises:
        JobError: the form or model can't be used, the page can't be read, or the picture can't be written.
    """
    reader = PageReader.load(ReadingPlan(form, model, string_model="strings"))
    if reader.forms[0].whole_image:
        raise JobError(f"The form {form} is one field an image: there is nothing to draw.", "Name a form with a page.")
    page = _first_page(scan)
    registered = _or_stop(register(page, reader.forms))
    reading = _or_stop(read_page(page, reader.forms, reader.classifier, reader.policy, reader.strings))
    captions = [
        (field.boxes, _caption(read), read.needs_review)
        for field, read in zip(registered.form.fields, reading.fields, strict=True)
    ]
    _write(picture, encode_png(draw_page(registered, captions)))


def _first_page(scan: Path) -> Page:
    try:
        file = first_scan(scan)
    except ScanFolderError as error:
        raise JobError(str(error)) from error
    return _or_stop(next(open_scan(file, _or_stop(hash_scan(file, settle_s=0)))))


def _or_stop(result: Good | PageProblem) -> Good:
    if isinstance(result, PageProblem):
        raise JobError(f"{result.scan} can't be read ({result.reason}). {result.detail}")
    return result


def _caption(read: FieldReading) -> str:
    words = f"{read.field}: {read.value or '-'} {read.confidence:.2f}"
    return f"{words} {';'.join(read.reasons)}" if read.reasons else words


def _write(picture: Path, png: bytes) -> None:
    try:
        picture.write_bytes(png)
    except OSError as error:
        raise JobError(f"{picture} can't be written ({error.strerror}).", "Name another place with -o.") from error
