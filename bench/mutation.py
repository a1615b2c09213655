"""Files of every kind that is read, and seeded mutations of them."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from PIL import Image

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MAX_CHANGES = 8


def images() -> dict[str, bytes]:
    """Small scans in every format, by the names of their files."""
    grey = np.full((120, 160), 235, np.uint8)
    cv2.putText(grey, "407", (20, 90), cv2.FONT_HERSHEY_SIMPLEX, 2.4, 30, 5, cv2.LINE_AA)
    page = Image.fromarray(grey)
    black = page.point(lambda tone: 255 * (tone > 128)).convert("1")
    colour = page.convert("RGB")
    several = {"save_all": True, "append_images": [page.rotate(180), page]}
    return {
        "grey.png": _saved(page, "PNG"),
        "black.png": _saved(black, "PNG"),
        "palette.png": _saved(colour.quantize(16), "PNG"),
        "deep.png": _saved(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"),
        "grey.jpg": _saved(page, "JPEG"),
        "progressive.jpg": _saved(colour, "JPEG", progressive=True),
        "print.jpg": _saved(page.convert("CMYK"), "JPEG"),
        "fax.tif": _saved(black, "TIFF", compression="group4"),
        "lzw.tif": _saved(page, "TIFF", compression="tiff_lzw"),
        "jpeg.tif": _saved(colour, "TIFF", compression="jpeg"),
        "several.tif": _saved(page, "TIFF", compression="tiff_deflate", **several),
        "one.pdf": _saved(page, "PDF", resolution=150),
        "several.pdf": _saved(colour, "PDF", resolution=150, **several),
    }


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def mutated(data: bytes, rng: random.Random) -> bytes:
    """``data`` with one to eight changes of its bytes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, MAX_CHANGES)):
        rng.choice(_CHANGES)(changed, rng)
    return bytes(changed)


def mutated_text(text: str, rng: random.Random) -> bytes:
    """Text with whole words, lines and numbers changed, half of the time; else any of its bytes."""
    if rng.random() < 0.5:
        return mutated(text.encode(), rng)
    lines = text.splitlines(keepends=True)
    for _ in range(rng.randint(1, MAX_CHANGES)):
        at = rng.randrange(len(lines))
        lines[at] = rng.choice(_LINE_CHANGES)(lines[at], rng)
    return "".join(lines).encode(errors="surrogatepass")


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set_number(data: bytearray, rng: random.Random) -> None:
    width = rng.choice((1, 2, 4))
    at = rng.randrange(max(1, len(data) - width))
    value = rng.choice(INTERESTING) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))


def _delete(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    del data[at : at + rng.randint(1, 64)]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    data[at:at] = data[at : at + rng.randint(1, 64)] * rng.randint(1, 8)


def _insert(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    data[at:at] = rng.randbytes(rng.randint(1, 16))


def _cut(data: bytearray, rng: random.Random) -> None:
    if rng.random() < 0.25:
        del data[rng.randrange(max(1, len(data))) :]


_CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _set_number, _set_number),
    *(_delete, _repeat, _insert, _cut),
)

_WORDS = (
    *("-1", "0", "1e999", "nan", "9" * 40, "true", "[]", "{}", '""', "''", '"../../../etc/passwd"', '"/dev/zero"'),
    *('"=1+1"', r"'(\\d+)+$'", '"(a|a)*"', '"\\u0000"', '"' + "x" * 10_000 + '"', "[[field]]", "#", "0x7fffffff"),
)


def _other_value(line: str, rng: random.Random) -> str:
    for mark in rng.sample(("=", ",", ";", ":"), 4):
        if mark in line:
            return f"{line.split(mark)[0]}{mark} {rng.choice(_WORDS)}\n"
    return f"{rng.choice(_WORDS)}\n"


def _line_changes() -> Iterator[Callable[[str, random.Random], str]]:
    yield _other_value
    yield _other_value
    yield lambda line, _: ""
    yield lambda line, _: line * 2
    yield lambda line, rng: line.replace(rng.choice("0123456789"), rng.choice(_WORDS), 1)
    yield lambda line, rng: "".join(rng.sample(line.split(" "), len(line.split(" "))))


_LINE_CHANGES = tuple(_line_changes())
