"""The whole read path as plain functions: ``read_page``, and its two halves for reading many pages at once.

``prepare_page`` goes from a page to 28x28 pieces, ``finish_pages`` from the pieces of many pages to readings, with
one call of the classifier for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forms.template import Field, FieldKind, FormTemplate
from mnist_model.classifier import NOT_A_DIGIT, Classifier
from mnist_model.strings.reader import StringReader
from preprocessing.closing import without_closing
from preprocessing.ink_traits import InkTraits, ink_traits
from preprocessing.isolation import isolate_fields, whole_image_field
from preprocessing.normalization import normalize_all
from preprocessing.page import CellState, FieldImage, Page, PageProblem, PixelBox
from preprocessing.pictures import encode_png
from preprocessing.registration import register
from preprocessing.segmentation import segment
from preprocessing.strips import VIEWS, strip, views
from reading.calibration import presented, with_confidence
from reading.combination import ALTERNATIVES, Values, combine
from reading.ctc import decode_columns, mean_values
from reading.decision import Evidence, decide
from reading.decoding import Decoded, Step, decode
from reading.policy import Policy
from reading.readings import DigitReading, FieldReading, PageReading, Traits
from reading.rules import LISTED, Ruled, apply_rules, is_ruled
from reading.signals import Signals, StripReading, column_doubt, signals_of
from reading.strikes import struck_out_posteriors

Looks = tuple[np.ndarray, ...]  # for each view of a strip (T, 11) natural logarithms of probabilities

DOUBT = 0.5  # cutting that is less sure of its best value than this does not contradict the strip


@dataclass(frozen=True, slots=True)
class PreparedPiece:
    """A piece without its pixels: an edge of the lattice, and where it lies in the field's crop."""

    start: int
    end: int
    box: PixelBox
    void_prior: float


@dataclass(frozen=True, slots=True, eq=False)
class PreparedField:
    """A field that waits for the readers.

    ``images`` (N, 28, 28) uint8 belong to ``pieces``; ``strip`` (32, W) uint8 is a free-hand field as a whole, None for
    a comb field and where there is no ink. ``known`` is not None for a field that is not to be read: its values, which
    the form's rules need on their page.
    """

    field: Field
    crop_png: bytes
    cuts: int
    pieces: tuple[PreparedPiece, ...]
    images: np.ndarray
    strip: np.ndarray | None
    states: tuple[CellState, ...]
    truncated: bool
    ink: InkTraits | None
    ink_beside: bool = False
    known: Values | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _ReadField:
    """What the readers make of a field, before its form's rules; ``values`` have calibrated posteriors."""

    prepared: PreparedField
    decoded: Decoded
    values: Values
    readers_agree: bool
    traits: Traits | None
    signals: Signals | None


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
    page: Page,
    forms: tuple[FormTemplate, ...],
    classifier: Classifier,
    policy: Policy | None = None,
    strings: StringReader | None = None,
) -> PageReading | PageProblem:
    """Read one page: registration, form removal, isolation, segmentation, classification, decoding, decision.

    Args:
        page: the scan.
        forms: the forms it may show; one ``whole_image`` form, or any number of others.
        classifier: what tells digits.
        policy: when to flag; the default policy where None.
        strings: a second reader for free-hand fields, or None to read them digit by digit alone.

    Returns:
        A reading of every field of the form, or the problem that keeps the page from being read.
    """
    prepared = prepare_page(page, forms)
    if isinstance(prepared, PageProblem):
        return prepared
    return finish_pages([prepared], classifier, policy or Policy(), strings)[0]


def prepare_page(page: Page, forms: tuple[FormTemplate, ...]) -> PreparedPage | PageProblem:
    """From a page to the pieces of its fields, without the classifier."""
    if forms[0].whole_image:
        return _prepared(page, forms[0], 0.0, (whole_image_field(page, forms[0]),))
    registered = register(page, forms)
    if isinstance(registered, PageProblem):
        return registered
    return _prepared(page, registered.form, registered.residual_mm, isolate_fields(registered))


def finish_pages(
    prepared: Sequence[PreparedPage], classifier: Classifier, policy: Policy, strings: StringReader | None = None
) -> list[PageReading]:
    """Classify all pieces of these pages in one call, read all strips in another, and decode and decide each field."""
    fields = [field for page in prepared for field in page.fields]
    told = zip(_classified(fields, classifier), _read_strips(fields, strings), strict=True)
    readers = readers_of(classifier, strings)
    model = readers if policy.trust is None else f"{readers} + {policy.trust.name}"
    return [_page_reading(page, [next(told) for _ in page.fields], model, policy) for page in prepared]


def readers_of(classifier: Classifier, strings: StringReader | None) -> str:
    """The networks that read, as a calibration names those that it belongs to."""
    return classifier.name if strings is None else f"{classifier.name} + {strings.name}"


def _classified(fields: Sequence[PreparedField], classifier: Classifier) -> list[np.ndarray]:
    """For each field the probabilities (N, 11) of its pieces."""
    stacked = np.concatenate([np.zeros((0, 28, 28), np.uint8), *(field.images for field in fields)])
    ends = np.cumsum([len(field.images) for field in fields])
    return np.split(classifier.probabilities(stacked), ends[:-1]) if fields else []


def _read_strips(fields: Sequence[PreparedField], strings: StringReader | None) -> list[Looks | None]:
    """For each field with a strip what the net says of each look at it; None for the others."""
    if strings is None:
        return [None] * len(fields)
    shown = [view for field in fields if field.strip is not None for view in views(field.strip)]
    columns = iter(strings.log_probabilities(shown))
    return [None if field.strip is None else tuple(next(columns) for _ in VIEWS) for field in fields]


def _prepared(page: Page, form: FormTemplate, residual_mm: float, images: tuple[FieldImage, ...]) -> PreparedPage:
    fields = tuple(prepare_field(image) for image in images)
    return PreparedPage(page.scan, page.page, page.sha256, form, residual_mm, fields)


def prepare_field(image: FieldImage) -> PreparedField:
    """From a field's image to its pieces and its strip."""
    crop_png = encode_png(image.grey)
    if image.field.closing:
        image = without_closing(image)
    candidates = segment(image)
    return PreparedField(
        field=image.field,
        crop_png=crop_png,
        cuts=candidates.cuts,
        pieces=tuple(PreparedPiece(p.start, p.end, p.box, p.void_prior) for p in candidates.pieces),
        images=normalize_all([piece.ink for piece in candidates.pieces]),
        strip=strip(image) if candidates.pieces and image.field.kind is FieldKind.FREEHAND else None,
        states=candidates.cells,
        truncated=candidates.truncated,
        ink_beside=candidates.ink_beside,
        ink=ink_traits(image),
    )


def _settled(prepared: PreparedField, probabilities: np.ndarray) -> PreparedField:
    """The field with its crosses told from its digits; a free-hand field as it is."""
    if prepared.field.kind is not FieldKind.COMB or not any(piece.void_prior for piece in prepared.pieces):
        return prepared
    posteriors = struck_out_posteriors([piece.void_prior for piece in prepared.pieces], probabilities).tolist()
    pieces = tuple(replace(piece, void_prior=chance) for piece, chance in zip(prepared.pieces, posteriors, strict=True))
    states = list(prepared.states)
    for piece in pieces:
        states[piece.start] = CellState.STRUCK_OUT if piece.void_prior >= 0.5 else CellState.INK
    return replace(prepared, pieces=pieces, states=tuple(states))


def _page_reading(
    page: PreparedPage, told: Sequence[tuple[np.ndarray, Looks | None]], model: str, policy: Policy
) -> PageReading:
    read = [_read(page.form, field, *answers, policy) for field, answers in zip(page.fields, told, strict=True)]
    ruled = apply_rules(page.form, [field.values for field in read])
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
        fields=tuple(
            _field_reading(*both, share, policy.threshold(page.form.name, both[0].prepared.field))
            for both in zip(read, ruled, strict=True)
        ),
    )


def _read(
    form: FormTemplate, prepared: PreparedField, probabilities: np.ndarray, looks: Looks | None, policy: Policy
) -> _ReadField:
    """What the readers make of one field, each for itself and together, with calibrated posteriors."""
    if prepared.known is not None:
        return _ReadField(prepared, Decoded((), ()), prepared.known, True, None, None)
    prepared = _settled(prepared, probabilities)
    field = prepared.field
    keep = LISTED if is_ruled(form, field) else 1 + ALTERNATIVES
    decoded = decode(prepared.cuts, prepared.pieces, probabilities, field.min_length, field.max_length, keep)
    strip = None if looks is None else _strip_reading(field, looks, keep)
    values = decoded.values if strip is None else combine(decoded.values, strip.values, keep)
    agree = strip is None or _agree(decoded.values, strip.values)
    traits = _traits(prepared.ink, probabilities, decoded.paths[0] if decoded.paths else ())
    if not values or not values[0][0]:
        return _ReadField(prepared, decoded, values, agree, traits, None)
    signals = signals_of(values, decoded, strip)
    confidence = policy.confidence(form.name, field.kind, values[0][1], signals)
    return _ReadField(prepared, decoded, with_confidence(values, confidence), agree, traits, signals)


def _strip_reading(field: Field, looks: Looks, keep: int) -> StripReading:
    values = tuple(decode_columns(look, field.min_length, field.max_length, keep) for look in looks)
    return StripReading(values, mean_values(values, keep), column_doubt(looks))


def _field_reading(read: _ReadField, ruled: Ruled, share: float, threshold: float) -> FieldReading:
    prepared, field = read.prepared, read.prepared.field
    path = read.decoded.path_of(ruled.values[0][0]) if ruled.values else ()
    evidence = Evidence(
        states=prepared.states,
        ignored=_ignored(prepared, path),
        truncated=prepared.truncated,
        residual_share=share,
        readers_agree=read.readers_agree,
        rules=ruled.reasons,
        ink_beside=prepared.ink_beside,
        contrast=read.traits.contrast if read.traits else None,
    )
    value, confidence, reasons = decide(field, ruled.values, evidence, threshold)
    return FieldReading(
        field=field.name,
        value=value,
        confidence=presented(confidence),
        needs_review=bool(reasons),
        reasons=reasons,
        alternatives=tuple(ruled.values[1:]),
        digits=_digits(prepared, path),
        box=field.box,
        crop_png=prepared.crop_png,
        kind=field.kind,
        traits=read.traits,
        threshold=threshold,
        signals=read.signals,
        two_keys=field.two_keys,
    )


def _traits(ink: InkTraits | None, probabilities: np.ndarray, path: Sequence[Step]) -> Traits | None:
    if ink is None:
        return None
    digits = [step.piece for step in path if step.digit is not None]
    not_a_digit = float(probabilities[digits, NOT_A_DIGIT].mean()) if digits else 1.0
    return Traits(not_a_digit, ink.ink_share, ink.stroke_share, ink.contrast)


def _agree(lattice: Values, strip_values: Values) -> bool:
    """Whether both say the same, or cutting has nothing to say that would weigh against the strip."""
    if not lattice or lattice[0][1] < DOUBT:
        return True
    return bool(strip_values) and lattice[0][0] == strip_values[0][0]


def _ignored(prepared: PreparedField, path: Sequence[Step]) -> int:
    """How many pieces that look like digits by their shape were read as none."""
    return sum(step.digit is None and prepared.pieces[step.piece].void_prior < 0.5 for step in path)


def _digits(prepared: PreparedField, path: Sequence[Step]) -> tuple[DigitReading, ...]:
    return tuple(
        DigitReading(step.digit, step.probability, prepared.pieces[step.piece].box)
        for step in path
        if step.digit is not None
    )
