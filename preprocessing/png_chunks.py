"""The chunks of a PNG (PNG specification, section 5): whether they are whole, and which of them its pixels need.

Functions but ``is_damaged`` take an undamaged file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE_BYTES = 8
_HEAD_BYTES, _CHECKSUM_BYTES = 8, 4  # length and kind; CRC-32
_END = b"IEND"
_EXIF, _TEXTS, _EXIF_AS_TEXT = b"eXIf", (b"tEXt", b"zTXt", b"iTXt"), b"Raw profile type"


def is_damaged(data: bytes) -> bool:
    """Whether a chunk differs from its checksum, or the last one is missing. Pillow does not look."""
    view = memoryview(data)
    for kind, start, end in _chunks(data):
        checked = view[start + 4 : end - _CHECKSUM_BYTES]
        if end > len(data) or zlib.crc32(checked) != struct.unpack_from(">I", data, end - _CHECKSUM_BYTES)[0]:
            return True
        if kind == _END:
            return False
    return True


def may_be_turned(data: bytes) -> bool:
    """Whether EXIF data may say that the picture has to be turned: its own chunk, or older, a text."""
    return any(
        kind == _EXIF or (kind in _TEXTS and data.startswith(_EXIF_AS_TEXT, start + _HEAD_BYTES))
        for kind, start, _ in _chunks(data)
    )


def pixels_alone(data: bytes) -> bytes:
    """The file without the chunks that its pixels do not need, of whose flaws libpng would tell the terminal."""
    view = memoryview(data)
    needed = [view[start:end] for kind, start, end in _chunks(data) if kind[:1].isupper()]
    return b"".join((data[:_SIGNATURE_BYTES], *needed))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk up to the last, where it begins and ends; a damaged length may lead beyond the data."""
    start, kind = _SIGNATURE_BYTES, b""
    while start + _HEAD_BYTES + _CHECKSUM_BYTES <= len(data) and kind != _END:
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + _HEAD_BYTES + length + _CHECKSUM_BYTES
        yield kind, start, end
        start = end
