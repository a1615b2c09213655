import io
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from preprocessing import png_chunks
from preprocessing.decoding import decode
from preprocessing.raster import Raster

GREY = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)


def png(grey: np.ndarray = GREY, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG", **options)
    return buffer.getvalue()


def text(key: str) -> PngInfo:
    info = PngInfo()
    info.add_text(key, "\nexif\n      10\n45786966")
    return info


def exif() -> Image.Exif:
    turned = Image.Exif()
    turned[0x0112] = 6
    return turned


def with_rows(rows: int, filter_type: int = 0) -> bytes:
    """A PNG of whole chunks whose data holds so many rows of the 60 that its header promises."""
    data = zlib.compress(b"".join(bytes([filter_type]) + row.tobytes() for row in GREY[:rows]))
    chunks = [(b"IHDR", bytes((0, 0, 0, 80, 0, 0, 0, 60, 8, 0, 0, 0, 0))), (b"IDAT", data), (b"IEND", b"")]
    packed = (len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4) for kind, body in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_a_whole_file_is_undamaged_and_no_part_of_it_is():
    data = png()
    assert not png_chunks.is_damaged(data)
    assert all(png_chunks.is_damaged(data[:length]) for length in range(8, len(data), 7))


@pytest.mark.parametrize("at", [20, 70, 1000, -6])
def test_a_changed_byte_is_seen(at):
    data = bytearray(png())
    data[at] ^= 4
    assert png_chunks.is_damaged(bytes(data))


@pytest.mark.parametrize(
    ("options", "turned"),
    [
        ({}, False),
        ({"dpi": (300, 300)}, False),
        ({"pnginfo": text("Software")}, False),
        ({"pnginfo": text("Raw profile type exif")}, True),
        ({"exif": exif()}, True),
    ],
)
def test_what_may_say_that_a_picture_is_turned_is_seen(options, turned):
    assert png_chunks.may_be_turned(png(**options)) is turned


def test_pixels_need_no_texts():
    data = png(pnginfo=text("Software"), dpi=(300, 300))
    alone = png_chunks.pixels_alone(data)
    assert alone == png()
    assert np.array_equal(cv2.imdecode(np.frombuffer(alone, np.uint8), cv2.IMREAD_GRAYSCALE), GREY)


@pytest.mark.parametrize("options", [{}, {"dpi": (300, 300)}, {"transparency": 7}, {"exif": exif()}])
def test_plain_or_not_the_pixels_are_pillows(options):
    data = png(**options)
    (page,) = decode(data)
    assert isinstance(page, Raster)
    seen = Image.open(io.BytesIO(data)).convert("LA")
    levels, alpha = (np.asarray(band) for band in seen.split())
    expected = np.where(alpha > 0, levels, 255)
    assert np.array_equal(page.grey, np.rot90(expected, -1) if "exif" in options else expected)


@pytest.mark.parametrize(("rows", "filter_type", "is_read"), [(60, 0, True), (60, 9, False), (0, 0, False)])
def test_chunks_that_are_whole_may_hold_nonsense(rows, filter_type, is_read):
    data = with_rows(rows, filter_type)
    assert not png_chunks.is_damaged(data)
    assert isinstance(next(decode(data)), Raster) is is_read
