"""Which scans each set holds, and what is special about each: the tables that the generator works through."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shot:
    """One page of one file; pages of the same ``scan`` follow each other in it.

    ``form`` is what lies on the scanner: "" for the set's own form, another form's name, or "nothing" for an empty
    sheet. ``turn`` is anticlockwise, in degrees. ``orientation`` is the EXIF tag of a picture stored sideways.
    """

    scan: str
    dpi: int = 200
    look: str = "office"
    ink: str = "blue"
    grey: bool = False
    form: str = ""
    turn: int = 0
    orientation: int = 1
    struck: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    dashed: tuple[str, ...] = ()
    note: str = ""


CHEQUES = (
    Shot("cheque_01.jpg", look="cheque"),
    Shot("cheque_02.jpg", look="cheque", ink="black"),
    Shot("cheque_03.jpg", look="cheque", ink="dark blue", dpi=300),
    Shot("cheque_04.jpg", look="faint", ink="blue"),
    Shot("cheque_05.jpg", look="cheque", dashed=("amount",), note="two dashes after the amount"),
    Shot("cheque_06.jpg", look="cheque", ink="black", turn=180, note="upside down"),
    Shot("cheque_07.jpg", look="faint", ink="dark blue", struck=("amount",)),
    Shot("cheque_08.jpg", look="cheque", ink="blue", empty=("date",)),
    Shot("cheque_09.jpg", look="cheque", ink="black", dpi=250, turn=90, note="turned by 90 degrees"),
    Shot("cheque_10.jpg", look="cheque", form="envelope", note="an envelope among the cheques"),
    Shot("cheque_11.jpg", look="faint", ink="black", dpi=250, dashed=("amount",), note="two dashes after the amount"),
    Shot("cheque_12.jpg", look="cheque", ink="dark blue"),
    Shot("cheque_13.jpg", look="cheque", ink="pencil", note="pencil"),
    Shot("cheque_14.jpg", look="copier", ink="black", grey=True, note="grey copy"),
)

ENVELOPES = (
    Shot("envelope 01.jpg", look="cheque"),
    Shot("envelope 02.jpg", look="cheque", ink="black"),
    Shot("envelope 03.png", look="clipped", ink="dark blue", grey=True),
    Shot("envelope 04.jpg", look="faint", ink="pencil", note="pencil"),
    Shot("envelope 05.jpg", look="cheque", turn=180, note="upside down"),
    Shot("envelope 06.jpg", look="cheque", ink="black", dpi=300),
    Shot("envelope 07.jpg", look="cheque", ink="blue", struck=("zip",)),
    Shot("envelope 08.png", look="clipped", ink="black", grey=True, turn=270, note="turned by 90 degrees"),
    Shot("envelope 09.jpg", look="cheque", ink="dark blue", empty=("zip",)),
    Shot("envelope 10.jpg", look="faint", form="cheque", note="a cheque among the envelopes"),
    Shot("envelope 11.jpg", look="faint", ink="black"),
    Shot("envelope 12.jpg", look="copier", ink="blue", grey=True),
)

PATIENTS = (
    Shot("ward_a.tif", dpi=300, ink="black"),
    Shot("ward_a.tif", dpi=300, ink="blue"),
    Shot("ward_a.tif", dpi=300, ink="black", turn=180, note="upside down"),
    Shot("ward_a.tif", dpi=300, form="nothing", note="the empty back of a page"),
    Shot("ward_a.tif", dpi=300, ink="dark blue", struck=("weight", "pulse")),
    Shot("ward_b.pdf", grey=True, ink="black"),
    Shot("ward_b.pdf", grey=True, ink="blue", look="copier"),
    Shot("ward_b.pdf", grey=True, form="stock", note="a stock sheet among the records"),
    Shot("ward_c.pdf", grey=True, ink="dark blue", turn=90, note="turned by 90 degrees"),
    Shot("patient_04.tif", dpi=200, ink="blue"),
    Shot("patient_05.tif", dpi=200, ink="black", empty=("patient_id", "temperature")),
    Shot("patient_06.jpg", grey=True, ink="pencil", note="pencil"),
    Shot("patient_07.jpg", ink="blue", look="copier"),
    Shot("patient_08.tif", dpi=300, ink="black", struck=("date_of_birth",)),
)

STOCK = (
    Shot("2026-01-31_north.png", look="clipped", grey=True, ink="blue"),
    Shot("2026-01-31_south.png", look="clipped", grey=True, ink="black"),
    Shot("2026-01-31_harbour.jpg", grey=True, ink="pencil", note="pencil"),
    Shot("2026-02-28_north.jpg", grey=True, ink="blue", turn=180, note="upside down"),
    Shot("2026-02-28_south.jpg", grey=True, look="copier", ink="black", struck=("shelf_a_5", "shelf_b_8")),
    Shot(
        "2026-02-28_harbour.png", look="clipped", grey=True, ink="dark blue", empty=("shelf_a_3", "shelf_b_11", "total")
    ),
    Shot("2026-03-31_north.jpg", grey=True, form="patient", note="a patient record among the stock sheets"),
    Shot("2026-03-31_south.jpg", grey=True, ink="blue", turn=90, note="turned by 90 degrees"),
    Shot("2026-03-31_harbour.jpg", ink="dark blue", look="copier"),
)

NOTES = (
    Shot("IMG_2041.jpg", ink="blue"),
    Shot("IMG_2042.jpg", ink="black"),
    Shot("IMG_2043.jpg", ink="dark blue", struck=("reading_4",)),
    Shot("IMG_2044.jpg", ink="blue", orientation=6, note="stored sideways, upright by its EXIF tag"),
    Shot("IMG_2045.jpg", ink="pencil", note="pencil"),
    Shot("IMG_2046.jpg", ink="black", turn=180, note="upside down"),
    Shot("IMG_2047.jpg", ink="blue", form="patient", note="a patient record among the meter readings"),
    Shot("IMG_2048.jpg", ink="dark blue", turn=90, note="turned by 90 degrees"),
    Shot("IMG_2049.jpg", ink="black", empty=("reading_2", "reading_9")),
)

SETS: dict[str, tuple[Shot, ...]] = {
    "cheque": CHEQUES,
    "envelope": ENVELOPES,
    "patient": PATIENTS,
    "stock": STOCK,
    "notes": NOTES,
}
