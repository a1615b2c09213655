"""Draw what the software believes over a scan: where the fields lie, what each reads, what is flagged and why."""

from __future__ import annotations

from forms.template import FormTemplate
from mnist_model.classifier import Classifier
from preprocessing.page import Page, PageProblem
from preprocessing.pictures import draw_page, encode_png
from preprocessing.registration import register
from reading.decision import Policy
from reading.pipeline import read_page
from reading.readings import FieldReading


def show_page(
    page: Page, forms: tuple[FormTemplate, ...], classifier: Classifier, policy: Policy | None = None
) -> bytes | PageProblem:
    """A PNG of the page with boxes and readings over it, or the problem that keeps it from being read.

    For a ``whole_image`` form, whose field is the image itself, the picture is the image.
    """
    reading = read_page(page, forms, classifier, policy)
    if isinstance(reading, PageProblem):
        return reading
    if forms[0].whole_image:
        return encode_png(page.grey)
    registered = register(page, forms)
    if isinstance(registered, PageProblem):
        return registered
    captions = [
        (registered.form.field(field.field).boxes, _caption(field), field.needs_review) for field in reading.fields
    ]
    return encode_png(draw_page(registered, captions))


def _caption(field: FieldReading) -> str:
    words = f"{field.value or '-'} {field.confidence:.2f}"
    return f"{words} {';'.join(field.reasons)}" if field.reasons else words
