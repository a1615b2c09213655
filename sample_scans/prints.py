"""The five printed forms: the fields as each form's layout states them, and what a printer puts around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sample_scans.layout import Layout, Slot
from sample_scans.paper import BLACK, GREY, Colour, Paper, comb, guilloche, microprint, rosette

SEA: Colour = (198, 226, 232)
SEA_DARK: Colour = (160, 203, 214)
SEA_PALE: Colour = (224, 241, 244)
SEA_INK: Colour = (22, 92, 116)
DROP_OUT_RED: Colour = (240, 178, 158)
RED_INK: Colour = (196, 62, 44)
CELL_BLUE: Colour = (120, 150, 196)


def print_form(layout: Layout, dpi: int) -> np.ndarray:
    """The blank form as (H, W, 3) uint8 at ``dpi``."""
    paper = Paper(layout.width_mm, layout.height_mm, dpi)
    PRINTS[layout.name](paper, layout)
    return paper.printed()


def _slot(layout: Layout, name: str) -> Slot:
    return next(slot for slot in layout.slots if slot.name == name)


def _letters(paper: Paper, slot: Slot, letters: str, size_mm: float = 2.2) -> None:
    """A letter below each box: DDMMYYYY."""
    for (x, y, width, height), letter in zip(slot.boxes, letters, strict=True):
        paper.text(x + width / 2, y + height + size_mm + 0.6, letter, size_mm, colour=GREY, anchor="ms")


def _cheque(paper: Paper, layout: Layout) -> None:
    _cheque_background(paper)
    rosette(paper, 17.0, 9.5, 6.5, SEA_INK, 3)
    paper.text(27, 10.5, "FIRST RIVER BANK", 4.6, "serif-bold", SEA_INK)
    paper.text(27, 14.6, "14 Quay Street, Port Alder · Branch 0412 · Sort code 20-41-12", 2.0, colour=GREY)
    paper.text(196, 5.2, "Valid for three months from the date of issue", 1.9, anchor="rs")
    date = _slot(layout, "date")
    comb(paper, date.boxes)
    _letters(paper, date, "DDMMYYYY", 1.8)
    paper.text(145.5, 12.0, "Date", 2.4, anchor="rs")
    paper.text(9, 28.6, "Pay", 3.2, "bold")
    paper.line(18, 29.4, 178, 29.4, 0.2)
    paper.text(180, 28.6, "or bearer", 2.8, "bold")
    paper.text(9, 39.0, "the sum of", 2.8, "bold")
    paper.line(28, 39.8, 134, 39.8, 0.2)
    paper.line(9, 49.6, 134, 49.6, 0.2)
    amount = _slot(layout, "amount").rect
    paper.fill((amount[0] - 9, amount[1], 9 + amount[2], amount[3]), SEA_PALE)
    guilloche(paper, amount, SEA, 9)
    paper.box((amount[0] - 9, amount[1], 9, amount[3]))
    paper.box(amount)
    paper.text(amount[0] - 4.5, amount[1] + 7.8, "¤", 6.4, "bold", anchor="ms")
    _cheque_foot(paper)


def _cheque_background(paper: Paper) -> None:
    for row in range(18, 75):  # the tint fades from left to right row by row, as a rainbow print does
        shade = 0.5 + 0.5 * np.sin(row / 57 * np.pi)
        tint = tuple(round(255 - (255 - tone) * (0.55 + 0.45 * shade)) for tone in SEA)
        paper.fill((0, row, paper.width_mm, 1), tint)
    guilloche(paper, (0, 20, 203, 54), SEA_DARK, 30)
    microprint(paper, (2, 18.6, 200, 56), "FIRST RIVER BANK · ", 7.0, SEA_PALE)
    rosette(paper, 108, 61, 12.5, SEA_DARK)
    for y in (18.0, 75.0):
        microprint(paper, (0, y - 0.9, 203, 1.5), "firstriverbankfirstriverbank", 1.4, SEA_INK)


def _cheque_foot(paper: Paper) -> None:
    paper.box((9, 55, 70, 8))
    paper.line(25, 55, 25, 63)
    paper.text(11, 60.0, "A/C no.", 2.4)
    paper.text(28, 60.8, "3041 1772 0956 8", 4.0, "mono")
    paper.text(9, 70.0, "Harbour Supplies Ltd", 2.8, "bold")
    paper.line(148, 69.5, 196, 69.5, 0.2)
    paper.text(172, 72.6, "Please sign above this line", 2.0, anchor="ms")
    paper.text(101, 84.5, "100482   204112   30411772   31", 4.2, "mono", anchor="ms")
    for x in (58.5, 81.0, 103.5, 130.5):  # the separators of the magnetic line: a bar and two dots
        paper.fill((x, 81.4, 0.7, 3.1), BLACK)
        paper.fill((x + 1.2, 81.4, 0.8, 0.9), BLACK)
        paper.fill((x + 1.2, 83.6, 0.8, 0.9), BLACK)
    paper.text(101, 89.6, "Please do not write or stamp below the printed area", 1.6, colour=GREY, anchor="ms")


def _envelope(paper: Paper, layout: Layout) -> None:
    paper.fill((0, 0, paper.width_mm, paper.height_mm), (252, 249, 240))
    paper.polygon(np.array([[10, 22], [18, 8], [26, 22]], dtype=float), RED_INK)
    paper.polygon(np.array([[16, 22], [22, 12], [30, 22]], dtype=float), (226, 140, 110))
    paper.text(33, 15, "Alder Valley Seeds", 5.0, "serif-bold", RED_INK)
    paper.text(33, 19.4, "P.O. Box 77 · 3 Mill Lane · Alder Falls", 2.4)
    paper.text(33, 22.8, "If undelivered, please return to the address above", 2.0, "italic", GREY)
    paper.box((192, 8, 20, 24), 0.2, GREY)
    for n, word in enumerate(("PLACE", "STAMP", "HERE")):
        paper.text(202, 17 + 4 * n, word, 2.4, colour=GREY, anchor="ms")
    paper.text(96, 46, "To", 3.0, "bold")
    for n in range(4):
        paper.line(104, 48 + 10 * n, 205, 48 + 10 * n, 0.2)
    slot = _slot(layout, "zip")
    comb(paper, slot.boxes, DROP_OUT_RED, 0.35)
    paper.text(157, 94.5, "ZIP", 3.4, "bold", RED_INK, anchor="rs")
    paper.text(slot.rect[0], 100.4, "one digit a box, please", 1.9, colour=RED_INK)
    _envelope_picture(paper)


def _envelope_picture(paper: Paper) -> None:
    """The sender's advertisement in the lower left corner."""
    paper.box((10, 62, 62, 38), 0.4, RED_INK)
    for n in range(5):
        x = 17 + 10.5 * n
        paper.line(x, 86, x, 76 - n % 2 * 4, 0.6, (96, 130, 70))
        paper.disc(x, 73 - n % 2 * 4, 2.6 + n % 3 * 0.5, (232, 168, 60), RED_INK)
        paper.disc(x, 73 - n % 2 * 4, 1.1, (150, 84, 40))
    paper.text(41, 91.5, "200 seeds for one spring", 3.2, "serif-bold", RED_INK, anchor="ms")
    paper.text(41, 96.4, "the new catalogue is here: ask for it", 2.3, "italic", anchor="ms")


def _patient(paper: Paper, layout: Layout) -> None:
    for x, y, size in layout.marks:
        paper.fill((x - size / 2, y - size / 2, size, size), (0, 0, 0))
    paper.text(20, 26, "PATIENT RECORD", 6.0, "bold")
    paper.text(20, 31.5, "Saint Brannoc Clinic · Outpatient department", 3.0)
    paper.text(190, 26, "Form PR-7 / version 1", 2.6, colour=GREY, anchor="rs")
    paper.line(20, 35, 190, 35, 0.5)
    for name in ("patient_id", "date_of_birth", "visit_date"):
        slot = _slot(layout, name)
        comb(paper, slot.boxes)
        paper.text(20, slot.rect[1] + 5.4, slot.label, 3.3)
        if name != "patient_id":
            _letters(paper, slot, "DDMMYYYY", 2.0)
    paper.text(120, 49.4, "Name", 3.3)
    paper.line(133, 51, 190, 51, 0.2)
    paper.text(120, 63.4, "Ward", 3.3)
    paper.line(133, 65, 190, 65, 0.2)
    _vital_signs(paper, layout)
    _patient_foot(paper)


def _vital_signs(paper: Paper, layout: Layout) -> None:
    paper.fill((20, 90, 170, 8), (222, 226, 230))
    paper.text(23, 95.6, "VITAL SIGNS", 3.4, "bold")
    paper.text(97, 95.6, "1st measurement", 3.0, anchor="ms")
    paper.text(153, 95.6, "2nd (if repeated)", 3.0, anchor="ms")
    rows = {
        "systolic": "mmHg",
        "diastolic": "mmHg",
        "pulse": "/min",
        "temperature": "°C",
        "weight": "kg",
        "height": "cm",
    }
    for name, unit in rows.items():
        slot = _slot(layout, name)
        x, y, width, _ = slot.rect
        paper.line(20, y - 2, 190, y - 2, 0.12, GREY)
        paper.text(23, y + 6.4, slot.label, 3.3)
        comb(paper, slot.boxes)
        paper.text(x + width + 2, y + 6.4, unit, 3.0)
    for name in ("systolic_2", "diastolic_2", "pulse_2"):
        comb(paper, _slot(layout, name).boxes)
    paper.disc(97.5, 156.0, 0.6, BLACK)  # the decimal point between the boxes of the temperature
    paper.line(20, 189, 190, 189, 0.12, GREY)


def _patient_foot(paper: Paper) -> None:
    paper.text(20, 200, "Remarks", 3.3, "bold")
    for n in range(4):
        paper.line(20, 210 + 10 * n, 190, 210 + 10 * n, 0.15, GREY)
    for n, word in enumerate(("smoker", "diabetic", "allergies", "fasting")):
        paper.box((20 + 42 * n, 250, 4, 4), 0.25)
        paper.text(26 + 42 * n, 253.4, word, 3.0)
    paper.line(130, 272, 190, 272, 0.2)
    paper.text(160, 276, "Signature", 2.6, colour=GREY, anchor="ms")
    paper.text(20, 272, "Write with a dark pen. One digit a box. Leave blank what was not measured.", 2.3, "italic")


GOODS = (
    ("Bolts M6", "Brackets 90°", "Cable ties", "Chain 4 mm", "Door hinges", "Drill bits"),
    ("Filler 1 kg", "Gloves L", "Hooks brass", "Hose clamps", "Insulation", "Junction box"),
    ("Keys blank", "Lamps E27", "Masking tape", "Nails 60 mm", "Oil 5 l", "Paint rollers"),
    ("Pipe elbows", "Rivets", "Sandpaper", "Screws 4x40", "Tape measure", "Wall plugs"),
)


def _stock(paper: Paper, layout: Layout) -> None:
    paper.text(15, 24, "STOCK COUNT SHEET", 6.2, "serif-bold")
    paper.text(15, 30, "Northgate Hardware Stores", 3.4, "serif")
    paper.text(
        15, 35, "Count twice, write once. Send to head office on the last day of the month.", 2.4, "italic", GREY
    )
    store = _slot(layout, "store")
    comb(paper, store.boxes, CELL_BLUE, 0.3)
    paper.text(162, 29.6, "Store", 3.4, "bold", anchor="rs")
    paper.text(15, 45, "Counted by", 3.0)
    paper.line(35, 46, 95, 46, 0.2)
    paper.text(105, 45, "Date", 3.0)
    paper.line(116, 46, 150, 46, 0.2)
    _shelf(paper, layout, "a", 15, GOODS[0] + GOODS[1])
    _shelf(paper, layout, "b", 108, GOODS[2] + GOODS[3])
    x, y, width, height = _slot(layout, "total").rect
    paper.box((x, y, width, height), 0.5)
    paper.text(x - 3, y + 7.4, "TOTAL A + B", 4.2, "bold", anchor="rs")
    paper.text(15, 268, "Checked", 3.0)
    paper.line(32, 269, 90, 269, 0.2)
    paper.text(193, 284, "SC-12 · printed in the warehouse · page 1 of 1", 2.2, colour=GREY, anchor="rs")


def _shelf(paper: Paper, layout: Layout, shelf: str, left: float, goods: tuple[str, ...]) -> None:
    top = 63.0
    paper.fill((left, top - 8, 87, 8), (226, 226, 226))
    for x, title in ((left + 2, f"Shelf {shelf.upper()}"), (left + 20, "Article"), (left + 63, "Count")):
        paper.text(x, top - 2.6, title, 3.0, "bold")
    for n, article in enumerate(goods, start=1):
        y = top + 14 * (n - 1)
        paper.line(left, y, left + 87, y, 0.2)
        paper.text(left + 2, y + 8.6, f"{shelf.upper()}{n:02d}", 3.0, "mono")
        paper.text(left + 20, y + 8.6, article, 3.2)
        comb(paper, _slot(layout, f"shelf_{shelf}_{n}").boxes, CELL_BLUE, 0.3)
    paper.box((left, top - 8, 87, 8 + 14 * len(goods)), 0.4)
    for x in (left + 17, left + 55):
        paper.line(x, top - 8, x, top + 14 * len(goods), 0.2)


ROOMS = ("Boiler", "Laundry", "Kitchen", "Workshop", "Hall", "Flat 1", "Flat 2", "Flat 3", "Garage", "Garden")


def _notes(paper: Paper, layout: Layout) -> None:
    paper.fill((0, 0, paper.width_mm, paper.height_mm), (253, 252, 247))
    paper.fill((12, 12, 124, 12), (52, 62, 84))
    paper.text(17, 20.6, "METER READINGS", 6.0, "bold", (255, 255, 255))
    paper.text(131, 20.2, "Quarter", 2.8, colour=(255, 255, 255), anchor="rs")
    paper.text(12, 31, "Linden House, caretaker's sheet", 3.4, "serif")
    paper.text(12, 36.4, "Whole cubic metres only. Strike out what you could not read.", 2.5, "italic", GREY)
    for slot, room in zip(layout.slots, ROOMS, strict=True):
        x, y, width, height = slot.rect
        paper.box((x, y, width, height), 0.3)
        paper.text(15, y + 7.2, slot.label.split()[-1] + ".", 4.0, "bold", anchor="ls")
        paper.text(25, y + 7.2, room, 3.6)
        paper.text(x + width + 2, y + 7.2, "m³", 3.4)
        paper.line(12, y + 12.7, 136, y + 12.7, 0.1, GREY)
    paper.text(12, 197, "Signed", 3.0)
    paper.line(28, 198, 84, 198, 0.2)
    paper.text(136, 203, "LH-3", 2.4, "mono", GREY, anchor="rs")


PRINTS: dict[str, Callable[[Paper, Layout], None]] = {
    "cheque": _cheque,
    "envelope": _envelope,
    "patient": _patient,
    "stock": _stock,
    "notes": _notes,
}
