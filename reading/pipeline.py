"""The whole read path as plain functions: ``read_page``, and its two halves for reading many pages at once.

``prepare_page`` goes from a page to 28x28 pieces, ``finish_pages`` from the pieces of many pages to readings, with
one call of the classifier for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forms.template import Field, FormTemplate
from mnist_model.classifier import Classifier
from preprocessing.isolation import isolate_fields, whole_image_field
from preprocessing.normalization import normalize_all
from preprocessing.page import CellState, FieldImage, Page, PageProblem, PixelBox
from preprocessing.pictures import encode_png
from preprocessing.registration import register
from preprocessing.segmentation import segment
from reading.decision import Evidence, Policy, decide
from reading.decoding import Decoded, decode
from reading.readings import DigitReading, FieldReading, PageReading


@dataclass(frozen=True, slots=True)
class PreparedPiece:
    """A piece without its pixels: an edge of the lattice, and where it lies in the field's crop."""

    start: int
    end: int
    box: PixelBox
    void_prior: float


@dataclass(frozen=True, slots=True, eq=False)
class PreparedField:
    """A field whose pieces wait for the classifier: ``images`` (N, 28, 28) uint8 belong to ``pieces``."""

    field: Field
    crop_png: bytes
    cuts: int
    pieces: tuple[PreparedPiece, ...]
    images: np.ndarray
    states: tuple[CellState, ...]
    truncated: bool


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPage:
    """A page whose fields are cut out and segmented. Small and picklable: the page's pixels are gone."""

    scan: str
    page: int
    sha256: str
    form: FormTemplate
    residual_mm: float
    fields: tuple[PreparedField, ...]


def read_page(
    page: Page, forms: tuple[FormTemplate, ...], classifier: Classifier, policy: Policy | None = None
) -> PageReading | PageProblem:
    """Read one page: registration, form removal, isolation, segmentation, classification, decoding, decision.

    Args:
        page: the scan.
        forms: the forms it may show; one ``whole_image`` form, or any number of others.
        classifier: what tells digits.
        policy: when to flag; the default policy where None.

    Returns:
        A reading of every field of the form, or the problem that keeps the page from being read.
    """
    prepared = prepare_page(page, forms)
    if isinstance(prepared, PageProblem):
        return prepared
    return finish_pages([prepared], classifier, policy or Policy())[0]


def prepare_page(page: Page, forms: tuple[FormTemplate, ...]) -> PreparedPage | PageProblem:
    """From a page to the pieces of its fields, without the classifier."""
    if forms[0].whole_image:
        return _prepared(page, forms[0], 0.0, (whole_image_field(page, forms[0]),))
    registered = register(page, forms)
    if isinstance(registered, PageProblem):
        return registered
    return _prepared(page, registered.form, registered.residual_mm, isolate_fields(registered))


def finish_pages(prepared: Sequence[PreparedPage], classifier: Classifier, policy: Policy) -> list[PageReading]:
    """Classify all pieces of these pages in one call, and decode and decide each field."""
    fields = [field for page in prepared for field in page.fields]
    images = [field.images for field in fields if len(field.images)]
    stacked = np.concatenate(images) if images else np.zeros((0, 28, 28), np.uint8)
    probabilities = classifier.probabilities(stacked)
    readings, begin = [], 0
    for page in prepared:
        sizes = [len(field.images) for field in page.fields]
        parts = np.split(probabilities[begin : begin + sum(sizes)], np.cumsum(sizes)[:-1]) if sizes else []
        begin += sum(sizes)
        readings.append(_page_reading(page, parts, classifier.name, policy))
    return readings


def _prepared(page: Page, form: FormTemplate, residual_mm: float, images: tuple[FieldImage, ...]) -> PreparedPage:
    fields = tuple(_prepared_field(image) for image in images)
    return PreparedPage(page.scan, page.page, page.sha256, form, residual_mm, fields)


def _prepared_field(image: FieldImage) -> PreparedField:
    candidates = segment(image)
    return PreparedField(
        field=image.field,
        crop_png=encode_png(image.grey),
        cuts=candidates.cuts,
        pieces=tuple(PreparedPiece(p.start, p.end, p.box, p.void_prior) for p in candidates.pieces),
        images=normalize_all([piece.ink for piece in candidates.pieces]),
        states=candidates.cells,
        truncated=candidates.truncated,
    )


def _page_reading(page: PreparedPage, parts: Sequence[np.ndarray], model: str, policy: Policy) -> PageReading:
    share = page.residual_mm / page.form.max_residual_mm
    return PageReading(
        scan=page.scan,
        page=page.page,
        sha256=page.sha256,
        form=page.form.name,
        form_version=page.form.version,
        residual_mm=page.residual_mm,
        model=model,
        threshold=policy.min_confidence,
        fields=tuple(_field_reading(f, p, share, policy) for f, p in zip(page.fields, parts, strict=True)),
    )


def _field_reading(prepared: PreparedField, probabilities: np.ndarray, share: float, policy: Policy) -> FieldReading:
    field = prepared.field
    decoded = decode(prepared.cuts, prepared.pieces, probabilities, field.min_length, field.max_length)
    evidence = Evidence(prepared.states, _ignored(prepared, decoded), prepared.truncated, share)
    value, confidence, reasons = decide(field, decoded, evidence, policy)
    return FieldReading(
        field=field.name,
        value=value,
        confidence=confidence,
        needs_review=bool(reasons),
        reasons=reasons,
        alternatives=decoded.values[1:],
        digits=_digits(prepared, decoded),
        box=field.box,
        crop_png=prepared.crop_png,
    )


def _ignored(prepared: PreparedField, decoded: Decoded) -> int:
    """How many pieces that look like digits by their shape were read as none."""
    return sum(step.digit is None and prepared.pieces[step.piece].void_prior < 0.5 for step in decoded.path)


def _digits(prepared: PreparedField, decoded: Decoded) -> tuple[DigitReading, ...]:
    return tuple(
        DigitReading(step.digit, step.probability, prepared.pieces[step.piece].box)
        for step in decoded.path
        if step.digit is not None
    )
