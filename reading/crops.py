"""Fields of which the ledger kept the crop and the page is not at hand: prepared to be read again, or not to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forms.template import Field, FormTemplate
from preprocessing.isolation import CropError, field_from_crop
from preprocessing.page import CellState
from preprocessing.pictures import decode_png
from reading.combination import Values
from reading.pipeline import PreparedField, prepare_field


def prepare_crop(crop_png: bytes, form: FormTemplate, field: Field, *, ink_beside: bool = False) -> PreparedField:
    """From the crop of a field to its pieces and its strip, as ``prepare_page`` makes them of the page.

    Args:
        crop_png: ``FieldReading.crop_png``.
        form: the form in the state in which the page was read.
        field: one of its fields.
        ink_beside: whether something was written beside a comb, which its crop doesn't show.

    Raises:
        CropError: the bytes are no picture, or one of another size than this form's crops of the field.
    """
    grey = decode_png(crop_png)
    if grey is None:
        raise CropError(f"a crop of the field {field.name} is no picture", "read its page again from the scan")
    prepared = prepare_field(field_from_crop(grey, form, field))
    return replace(prepared, crop_png=crop_png, ink_beside=ink_beside)


def known_field(field: Field, values: Values) -> PreparedField:
    """A field that stays as it is, in its place on the page: its values are known, with their posteriors."""
    no_images = np.zeros((0, 28, 28), np.uint8)
    return PreparedField(field, b"", 1, (), no_images, None, (CellState.INK,), False, None, known=values)
