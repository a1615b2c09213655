"""Propose digits: the lattice of cut points and pieces of a field."""

from __future__ import annotations

from forms.template import FieldKind
from preprocessing.comb import segment_comb
from preprocessing.freehand import segment_freehand
from preprocessing.page import Candidates, FieldImage


def segment(image: FieldImage) -> Candidates:
    """The segmentation lattice of one field: one cell a digit in a comb, cuts between strokes in a free-hand field."""
    return segment_comb(image) if image.field.kind is FieldKind.COMB else segment_freehand(image)
