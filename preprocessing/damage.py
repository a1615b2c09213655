"""Damage that Pillow passes over: what it would give is a page that is part scan, part invention.

Pillow itself refuses files that end too early. It lets pass JPEG data that ends before its image (libjpeg fills the
rest with grey 128 and only warns), and fax lines that libtiff could not decode; and PNG chunks whose checksum is wrong,
for which see ``png_chunks``.
"""

from __future__ import annotations

import ctypes
import io
import re
import struct
import threading
from itertools import pairwise

import numpy as np
from PIL import Image

_JPEG_FILL = 128
_JPEG_BLOCK_PX = 8
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# In entropy-coded data 0xFF is followed by 0 (a literal), a restart marker or more fill; anything else ends the scan.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_EXTRA_SCAN_DATA = b"\x5a\xc3" * 64


def jpeg_is_damaged(data: bytes, grey: np.ndarray) -> bool:
    """Whether the compressed data of this JPEG ends before its image does.

    It does where no marker ends the image. Where one does, too early, libjpeg gives grey 128 from there on. If the last
    block looks like that, or the image comes in several scans, it is decoded once more with some data added at the end
    of each scan: a whole image ignores it, one that was short of data changes.

    Args:
        data: the whole file.
        grey: (H, W) uint8, its brightness as Pillow decodes it, not turned.
    """
    ends = _scan_ends(data)
    if not ends:
        return True
    filled = bool(np.all(grey[-_JPEG_BLOCK_PX:, -_JPEG_BLOCK_PX:] == _JPEG_FILL))
    if len(ends) == 1 and not filled:
        return False
    parts = [data[start:end] for start, end in pairwise((0, *ends, len(data)))]
    return not np.array_equal(grey, _jpeg_grey(_EXTRA_SCAN_DATA.join(parts)))


def _jpeg_grey(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.draft("L", None)
        return np.asarray(image.convert("L"))


def _scan_ends(data: bytes) -> list[int]:
    """Where the compressed data of each scan of a JPEG ends (ITU-T T.81, B.1.1); empty if the image is not ended."""
    ends: list[int] = []
    at = 2
    while at + 4 <= len(data):
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker == _END_OF_IMAGE:
            return ends
        at += 2 + length
        if marker == _START_OF_SCAN:
            found = _END_OF_SCAN.search(data, at)
            if not found:
                return []
            at = found.start()
            ends.append(at)
    return ends if data[at : at + 2] == b"\xff\xd9" else []


class _ErrorCount(threading.local):
    value = 0


_libtiff_errors = _ErrorCount()


@ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
def _count_libtiff_error(_module: bytes, _message: bytes, _arguments: int) -> None:
    _libtiff_errors.value += 1


def libtiff_errors() -> int:
    """How many errors libtiff has reported to this thread so far."""
    return _libtiff_errors.value


def watch_libtiff() -> None:
    """Count the errors of Pillow's libtiff from now on, in place of its printing them to the terminal.

    Pillow has no call for it, so the library that it brings is addressed by its own function ``TIFFSetErrorHandler``.
    A Pillow built without libtiff, or with its symbols hidden, reads on, only without this check.
    """
    try:
        ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(_count_libtiff_error)
    except (AttributeError, OSError):
        return
