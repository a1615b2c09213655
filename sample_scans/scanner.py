"""What happens to a page between the desk and the file: skew, shading, noise, perspective, compression."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from sample_scans.paper import MM_PER_INCH

EPOCH = time.gmtime(1_767_225_600)  # the date in PDFs: a file must not depend on the day it was made
EXIF_ORIENTATION = 0x0112
LID_PX = 4


@dataclass(frozen=True, slots=True)
class Look:
    """How a scanner sees: lengths in mm, angles in degrees, tones on a scale of 255."""

    lid: int = 236  # tone of what lies behind the paper
    margin_mm: float = 0.0  # of the lid around the page; 0 for a scan of the paper's own size
    skew_deg: float = 3.0  # at most, to either side
    shift_mm: float = 1.5  # at most, along both axes
    blur_mm: float = 0.06
    shading: float = 0.06
    noise: float = 3.0
    white: float = 255.0  # this tone and all above become white, as scanners clip the paper
    black: float = 8.0  # and this one black


LOOKS = {
    "cheque": Look(lid=70, margin_mm=3.0, shift_mm=0.6, blur_mm=0.05, shading=0.03),
    "faint": Look(lid=240, margin_mm=3.0, shift_mm=0.6, blur_mm=0.09, shading=0.1, noise=4.5, black=-45.0),
    "office": Look(white=238.0),
    "clipped": Look(white=222.0, noise=2.0, shading=0.02),
    "copier": Look(lid=120, blur_mm=0.1, shading=0.14, noise=5.0, white=242.0),
}


def scan_flat(page: np.ndarray, dpi: int, look: Look, rng: np.random.Generator) -> np.ndarray:
    """A flatbed's or feeder's view of ``page`` (H, W, 3) uint8 at the same dpi, as (h, w, 3) uint8."""
    px_per_mm = dpi / MM_PER_INCH
    height, width = page.shape[:2]
    margin = look.margin_mm * px_per_mm
    size = (round(width + 2 * margin), round(height + 2 * margin))
    lid = (look.lid,) * 3
    behind = Image.new("RGB", (width + 2 * LID_PX, height + 2 * LID_PX), lid)  # or the paper's edge would be jagged
    behind.paste(Image.fromarray(page), (LID_PX, LID_PX))
    coefficients = _skewed(behind.size, size, look, px_per_mm, rng)
    seen = behind.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC, fillcolor=lid)
    light = _shading(size, look.shading, rng)
    tones = np.asarray(seen, dtype=np.float32) * light[:, :, None]
    tones = ndimage.gaussian_filter(tones, (look.blur_mm * px_per_mm, look.blur_mm * px_per_mm, 0))
    tones += _grain(size, look.noise, rng)[:, :, None]
    tones = (tones - look.black) * (255.0 / (look.white - look.black))
    return np.clip(tones + 0.5, 0, 255).astype(np.uint8)


def _skewed(
    page: tuple[int, int], size: tuple[int, int], look: Look, px_per_mm: float, rng: np.random.Generator
) -> tuple[float, ...]:
    """Pillow's six coefficients from a pixel of the scan to one of the page, turned about their middles."""
    angle = np.deg2rad(rng.uniform(-look.skew_deg, look.skew_deg))
    stretch = 1 + rng.uniform(-0.004, 0.004)  # a feeder's speed is never exact
    shift = rng.uniform(-look.shift_mm, look.shift_mm, 2) * px_per_mm
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * [1.0, stretch]
    offset = np.array(page) / 2 - turn @ (np.array(size) / 2 + shift)
    return turn[0, 0], turn[0, 1], offset[0], turn[1, 0], turn[1, 1], offset[1]


def _shading(size: tuple[int, int], depth: float, rng: np.random.Generator) -> np.ndarray:
    """Light over a scan of (width, height): (height, width) float32 around 1, darker by up to ``depth``."""
    x, y = np.linspace(-1, 1, size[0], dtype=np.float32), np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    a, b, c, d = rng.uniform(-1, 1, 4)
    slope = 0.5 * (a * x + b * y) + 0.25 * (c * x * y + d * x * x)
    return (1 - depth * (slope - slope.min()) / (np.ptp(slope) + 1e-6)).astype(np.float32)


def _grain(size: tuple[int, int], noise: float, rng: np.random.Generator) -> np.ndarray:
    """Noise with a little correlation between neighbours, as optics leave it."""
    white = rng.standard_normal((size[1], size[0]), dtype=np.float32)
    return ndimage.gaussian_filter(white, 0.6) * (noise * 2.1)


def photograph(page: np.ndarray, width_px: int, rng: np.random.Generator) -> np.ndarray:
    """A phone's picture of a page on a table: (h, w, 3) uint8, ``width_px`` wide, upright."""
    size = (width_px, round(width_px * 4 / 3))
    corners = _seen_corners(page.shape[1] / page.shape[0], size, rng)
    mapping = _perspective(corners, page.shape[1], page.shape[0])
    sheet = Image.fromarray(_curled(page, rng))
    seen = sheet.transform(size, Image.Transform.PERSPECTIVE, mapping, Image.Resampling.BICUBIC)
    mask = Image.new("L", sheet.size, 255).transform(size, Image.Transform.PERSPECTIVE, mapping)
    cover = ndimage.gaussian_filter(np.asarray(mask, dtype=np.float32) / 255, 0.7)[:, :, None]
    shadow = ndimage.gaussian_filter(np.roll(cover[:, :, 0], (9, 12), (0, 1)), 14)[:, :, None]
    tones = _table(size, rng) * (1 - 0.55 * shadow) * (1 - cover) + np.asarray(seen, dtype=np.float32) * cover
    tones *= (_shading(size, rng.uniform(0.25, 0.45), rng) * _hand_shadow(size, rng))[:, :, None]
    tones *= np.array([1.0, 0.97, rng.uniform(0.84, 0.94)])  # lamps are yellow
    blur = rng.uniform(0.6, 1.2)
    tones = ndimage.gaussian_filter(tones, (blur, blur, 0)) + _grain(size, 3.0, rng)[:, :, None]
    return np.clip(tones * 0.97 + 6, 0, 255).astype(np.uint8)


def _seen_corners(aspect: float, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Where the page's corners lie in the picture, (4, 2), from the top left clockwise."""
    height = size[1] * rng.uniform(0.84, 0.9)
    width = min(height * aspect, 0.9 * size[0])
    height = width / aspect
    middle = np.array(size) / 2 + rng.uniform(-0.02, 0.02, 2) * size
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]
    angle = np.deg2rad(rng.uniform(-3, 3))
    turned = square @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return middle + turned * (1 + rng.uniform(-0.045, 0.045, (4, 2)))


def _perspective(corners: np.ndarray, width: int, height: int) -> tuple[float, ...]:
    """Pillow's eight coefficients that take the picture's ``corners`` to the page's."""
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (width, 0), (width, height), (0, height)], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(np.linalg.solve(np.array(rows, dtype=float), np.array(values, dtype=float)))


def _curled(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The page with its lines bent by a fraction of a millimetre, and a fold across it that catches the light."""
    height, width = page.shape[:2]
    depth = rng.uniform(0.0, 0.0022) * height
    bend = depth * np.sin(np.linspace(0, np.pi, width) + rng.uniform(0, 1))
    whole, part = np.floor(bend).astype(int), (bend % 1)[None, :, None]
    rows, columns = np.arange(height)[:, None] + whole[None, :], np.arange(width)[None, :]
    upper, lower = (page[np.clip(rows + below, 0, height - 1), columns] for below in (0, 1))
    bent = upper * (1 - part) + lower * part
    distance = np.arange(height) - height * rng.uniform(0.45, 0.55)
    crease = 1 - 0.07 * np.exp(-((distance / 5) ** 2)) + 0.04 * np.tanh(distance / 8) * np.exp(-np.abs(distance) / 300)
    return np.clip(bent * crease[:, None, None], 0, 255).astype(np.uint8)


def _table(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Wood: long streaks of browns, (h, w, 3) float32."""
    coarse = rng.normal(0, 1, (size[1] // 6, 10))
    streaks = ndimage.zoom(ndimage.gaussian_filter(coarse, (1.2, 1.0)), (size[1] / len(coarse), size[0] / 10), order=1)
    fine = ndimage.gaussian_filter(rng.normal(0, 1, (size[1], size[0])), (0.8, 14))
    tone = 1 + 0.16 * streaks + 0.5 * fine
    return (np.array([148.0, 108.0, 72.0]) * tone[:, :, None]).astype(np.float32)


def _hand_shadow(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The soft shadow of whoever holds the phone, from one side."""
    x, y = np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1])[:, None]
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9)
    depth = 1 / (1 + np.exp(-(np.cos(angle) * x + np.sin(angle) * y - reach) / 0.12))
    return (1 - 0.28 * depth).astype(np.float32)


def turned(picture: np.ndarray, degrees: int) -> np.ndarray:
    """``picture`` turned anticlockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(picture, degrees // 90))


def bilevel(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``picture`` in black and white, (h, w) bool, True where white; some specks of dust stay."""
    grey = np.asarray(Image.fromarray(picture).convert("L"), dtype=np.float32)
    white = grey > 165
    dust = rng.random(grey.shape, dtype=np.float32) < 1e-5
    return white & ~ndimage.binary_dilation(dust, iterations=1)


def save_jpeg(picture: np.ndarray, file: Path, dpi: int, quality: int, orientation: int = 1) -> None:
    """One picture, grey or colour; ``orientation`` other than 1 is written as EXIF, as phones do."""
    exif = Image.Exif()
    if orientation != 1:
        exif[EXIF_ORIENTATION] = orientation
    Image.fromarray(picture).save(file, "JPEG", quality=quality, dpi=(dpi, dpi), exif=exif)


def save_png(picture: np.ndarray, file: Path, dpi: int) -> None:
    """One grey picture in 16 tones, a usual setting of office scanners and a quarter of the bytes."""
    sixteen = (np.asarray(Image.fromarray(picture).convert("L"), dtype=np.uint16) + 8) // 17
    image = Image.fromarray(sixteen.astype(np.uint8))
    image.putpalette([tone * 17 for tone in range(16) for _ in range(3)])
    image.save(file, "PNG", dpi=(dpi, dpi), bits=4, optimize=True)


def save_tiff(pages: list[np.ndarray], file: Path, dpi: int) -> None:
    """Black-and-white pages as one TIFF, CCITT group 4."""
    first, *rest = (Image.fromarray(page) for page in pages)
    first.save(file, "TIFF", compression="group4", dpi=(dpi, dpi), save_all=True, append_images=rest)


def save_pdf(pages: list[np.ndarray], file: Path, dpi: int, quality: int) -> None:
    """Grey or colour pages as one PDF of embedded JPEG pictures."""
    first, *rest = (Image.fromarray(page) for page in pages)
    buffer = io.BytesIO()
    first.save(
        buffer,
        "PDF",
        resolution=dpi,
        quality=quality,
        save_all=True,
        append_images=rest,
        creationDate=EPOCH,
        modDate=EPOCH,
    )
    file.write_bytes(buffer.getvalue())
