"""Printed paper: a page in mm on which lines, boxes, text and security patterns are drawn, as a printer would."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sample_scans.layout import Rect

Colour = tuple[int, int, int]

MM_PER_INCH = 25.4
OVERSAMPLING = 2  # drawn at twice the resolution and averaged: Pillow draws lines without anti-aliasing
BLACK: Colour = (38, 36, 40)
GREY: Colour = (120, 120, 124)
FONTS = {
    "sans": "DejaVuSans.ttf",
    "bold": "DejaVuSans-Bold.ttf",
    "serif": "DejaVuSerif.ttf",
    "serif-bold": "DejaVuSerif-Bold.ttf",
    "italic": "DejaVuSerif-Italic.ttf",
    "mono": "DejaVuSansMono-Bold.ttf",
}


@cache
def _font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"  # the one set of fonts that is sure to be installed
    return ImageFont.truetype(str(folder / FONTS[name]), size_px)


class Paper:
    """A page to print on. Lengths in mm, origin at the top left corner."""

    def __init__(self, width_mm: float, height_mm: float, dpi: int, colour: Colour = (255, 255, 255)) -> None:
        self.width_mm, self.height_mm = width_mm, height_mm
        self._size_px = (round(width_mm * dpi / MM_PER_INCH), round(height_mm * dpi / MM_PER_INCH))
        self._px_per_mm = dpi * OVERSAMPLING / MM_PER_INCH
        self._image = Image.new("RGB", (self._size_px[0] * OVERSAMPLING, self._size_px[1] * OVERSAMPLING), colour)
        self._draw = ImageDraw.Draw(self._image)

    def _px(self, *lengths_mm: float) -> list[float]:
        return [length * self._px_per_mm for length in lengths_mm]

    def line(self, x0: float, y0: float, x1: float, y1: float, width_mm: float = 0.25, colour: Colour = BLACK) -> None:
        """A straight rule."""
        self._draw.line(self._px(x0, y0, x1, y1), fill=colour, width=max(1, round(width_mm * self._px_per_mm)))

    def box(self, rect: Rect, width_mm: float = 0.25, colour: Colour = BLACK) -> None:
        """The outline of a rectangle, the line centred on its edge."""
        x, y, width, height = rect
        half = width_mm / 2
        for top in (y, y + height):
            self.fill((x - half, top - half, width + width_mm, width_mm), colour)
        for left in (x, x + width):
            self.fill((left - half, y - half, width_mm, height + width_mm), colour)

    def fill(self, rect: Rect, colour: Colour) -> None:
        """A filled rectangle."""
        left, top, right, bottom = self._px(rect[0], rect[1], rect[0] + rect[2], rect[1] + rect[3])
        self._draw.rectangle((round(left), round(top), round(right) - 1, round(bottom) - 1), fill=colour)

    def disc(self, x: float, y: float, radius_mm: float, fill: Colour | None, outline: Colour | None = None) -> None:
        """A disc or a ring around (x, y)."""
        corners = self._px(x - radius_mm, y - radius_mm, x + radius_mm, y + radius_mm)
        self._draw.ellipse(corners, fill=fill, outline=outline, width=max(1, round(0.3 * self._px_per_mm)))

    def curve(self, points_mm: np.ndarray, width_mm: float, colour: Colour) -> None:
        """A line through the points, (N, 2) x and y."""
        points = [(x, y) for x, y in points_mm * self._px_per_mm]
        self._draw.line(points, fill=colour, width=max(1, round(width_mm * self._px_per_mm)))

    def polygon(self, points_mm: np.ndarray, colour: Colour) -> None:
        """A filled polygon, (N, 2) x and y."""
        self._draw.polygon([(x, y) for x, y in points_mm * self._px_per_mm], fill=colour)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size_mm: float,
        font: str = "sans",
        colour: Colour = BLACK,
        anchor: str = "ls",
    ) -> None:
        """One line of text; ``anchor`` as in Pillow, by default (x, y) is where the baseline begins."""
        face = _font(font, max(1, round(size_mm * self._px_per_mm)))
        self._draw.text((x * self._px_per_mm, y * self._px_per_mm), text, fill=colour, font=face, anchor=anchor)

    def printed(self) -> np.ndarray:
        """The page as (H, W, 3) uint8 at the resolution asked for."""
        return np.asarray(self._image.resize(self._size_px, Image.Resampling.BOX))


def comb(paper: Paper, boxes: tuple[Rect, ...], colour: Colour = BLACK, width_mm: float = 0.25) -> None:
    """The boxes of a comb field; neighbours share a line."""
    for box in boxes:
        paper.box(box, width_mm, colour)


def guilloche(paper: Paper, rect: Rect, colour: Colour, lines: int = 26) -> None:
    """Interwoven waves over a rectangle, as security paper has them."""
    x, y, width, height = rect
    along = np.linspace(0.0, 1.0, round(width * 6))
    for n in range(lines):
        phase = 2 * np.pi * n / lines
        swing = np.sin(2 * np.pi * 3 * along + phase) * (0.6 + 0.4 * np.cos(2 * np.pi * 2 * along))
        ripple = 0.16 * np.sin(2 * np.pi * 17 * along - 2 * phase)
        wave = y + height / 2 + 0.5 * height * 0.86 * (swing + ripple)
        paper.curve(np.column_stack([x + width * along, np.clip(wave, y, y + height)]), 0.12, colour)


def rosette(paper: Paper, x: float, y: float, radius_mm: float, colour: Colour, loops: int = 8) -> None:
    """A closed guilloche: two families of loops around a centre."""
    turn = np.linspace(0.0, 2 * np.pi, 720)
    for n in range(loops):
        for petals in (5, 8):
            radius = radius_mm * (0.64 + 0.36 * np.sin(petals * turn + 2 * np.pi * n / loops))
            paper.curve(np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn)]), 0.1, colour)


def microprint(paper: Paper, rect: Rect, text: str, pitch_mm: float, colour: Colour) -> None:
    """Rows of tiny text from the left of a rectangle to the edge of the paper, every second row shifted."""
    x, y, width, height = rect
    row_text = text * (int(2 * width / len(text)) + 2)
    for row in range(int(height / pitch_mm)):
        shift = (row % 2) * len(text) // 2
        paper.text(x, y + (row + 1) * pitch_mm - 0.5, row_text[shift:], 1.3, colour=colour)
