"""Lessons made of nothing but what a test needs of them."""

import numpy as np

from forms.template import Box, Field, FieldKind, FormTemplate
from preprocessing.page import CellState, PixelBox
from reading.lessons import Lesson
from reading.pipeline import PreparedField, PreparedPiece
from reading.readings import FieldReading


def lesson(key, value="42", page=None, reviewer="ann", *, ink=True, form="meter", kind=FieldKind.COMB, **more):
    field = Field("count", kind, (Box(0, 0, 5, 7),), 1, 9)
    template = FormTemplate(form, "1", "", 5, 7, 200, (field,), whole_image=True)
    pieces = (PreparedPiece(0, 1, PixelBox(0, 0, 9, 9), 0.0),) if ink else ()
    states = (CellState.INK if ink else CellState.EMPTY,)
    images = np.zeros((len(pieces), 28, 28), np.uint8)
    prepared = PreparedField(field, key.encode(), 1, pieces, images, None, states, False, None)
    return Lesson(key, template, prepared, value, "", page or key, reviewer, **more)


def reading(value, confidence=0.99, alternatives=(), *, reasons=()):
    box, kind = Box(0, 0, 5, 7), FieldKind.COMB
    return FieldReading("count", value, confidence, False, reasons, alternatives, (), box, b"", kind)
