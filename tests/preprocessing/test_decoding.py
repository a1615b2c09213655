"""Bytes that the tests make themselves -> pages, grey values, refusals."""

import io
import random
import struct
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageChops, ImageDraw, TiffImagePlugin

from preprocessing.decoding import decode
from preprocessing.page import ProblemReason as Reason
from preprocessing.raster import Raster, Refusal

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")


def drawing(width=96, height=128):
    """A page that looks different from each side: paper 230, a ramp at the left, writing at the top."""
    image = Image.new("L", (width, height), 230)
    image.paste(Image.linear_gradient("L").resize((width // 3, height)), (0, 0))
    ImageDraw.Draw(image).text((width // 2, 4), "407", fill=20, font_size=20)
    return image


def encoded(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def tiff(*images, **options):
    return encoded(images[0], "TIFF", save_all=True, append_images=images[1:], **options)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, body):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def pdf(*objects, trailer=b"/Root 1 0 R"):
    """A PDF of these numbered objects with a right cross-reference table."""
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    tail = b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + tail


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
ONE_PAGE = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def pdf_page(width_pt, height_pt):
    return pdf(CATALOG, ONE_PAGE, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] >>" % (width_pt, height_pt))


def locked_pdf():
    """A PDF with a password: under its security handler's check value the empty password is wrong."""
    keys = b"/O <%s> /U <%s>" % (b"28" * 32, b"bf" * 32)
    handler = b"<< /Filter /Standard /V 1 /R 2 /P -4 %s >>" % keys
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>"
    ids = b"/Root 1 0 R /Encrypt 4 0 R /ID [<%s> <%s>]" % (b"01" * 16, b"01" * 16)
    return pdf(CATALOG, ONE_PAGE, page, handler, trailer=ids)


def label(value):
    """Short test names: the first bytes of a file tell its format."""
    return value[:4].hex() if isinstance(value, bytes) else None


def one(data):
    (page,) = decode(data)
    return page


def grey(data):
    page = one(data)
    assert isinstance(page, Raster), page
    assert page.grey.dtype == np.uint8
    assert page.grey.ndim == 2
    assert page.grey.flags.c_contiguous
    return page.grey


GREY = drawing()
PIXELS = np.asarray(GREY)
ONE_BIT = GREY.point(lambda value: 255 * (value > 127)).convert("1")
DEEP = (PIXELS.astype(np.uint16) * 257).byteswap().tobytes()  # 16-bit, big-endian, as PNG stores it
DEEP_ROWS = b"".join(b"\0" + DEEP[at : at + 2 * GREY.width] for at in range(0, len(DEEP), 2 * GREY.width))


@pytest.mark.parametrize(
    ("data", "expected", "tolerance"),
    [
        (encoded(GREY, "PNG"), PIXELS, 0),
        (encoded(GREY.convert("RGB"), "PNG"), PIXELS, 0),
        (encoded(GREY.quantize(256), "PNG"), PIXELS, 3),
        (encoded(ONE_BIT, "PNG"), np.asarray(ONE_BIT.convert("L")), 0),
        (png(GREY.width, GREY.height, 16, 0, zlib.compress(DEEP_ROWS)), PIXELS, 0),
        (encoded(GREY, "JPEG", quality=98), PIXELS, 8),
        (encoded(GREY.convert("RGB"), "JPEG", quality=98), PIXELS, 8),
        (encoded(GREY, "JPEG", quality=98, progressive=True), PIXELS, 8),
        (encoded(GREY.convert("RGB").convert("CMYK"), "JPEG", quality=98), PIXELS, 8),
        (encoded(GREY.convert("RGB").convert("CMYK"), "TIFF"), PIXELS, 1),
        (tiff(ONE_BIT, compression="group4"), np.asarray(ONE_BIT.convert("L")), 0),
        (tiff(ONE_BIT, compression="group4", tiffinfo={262: 0}), np.asarray(ONE_BIT.convert("L")), 0),
        (tiff(GREY, compression="tiff_lzw"), PIXELS, 0),
        (tiff(GREY, compression="tiff_adobe_deflate"), PIXELS, 0),
        (tiff(GREY, compression="jpeg", quality=98), PIXELS, 8),
        (tiff(GREY.quantize(256)), PIXELS, 3),
        (encoded(GREY, "BMP"), PIXELS, 0),
        (encoded(GREY, "GIF"), PIXELS, 0),
        (encoded(GREY, "WEBP", lossless=True), PIXELS, 1),
        (encoded(GREY, "JPEG2000"), PIXELS, 0),
        (encoded(GREY, "PPM"), PIXELS, 0),
    ],
    ids=label,
)
def test_every_kind_of_pixels_comes_out_as_the_grey_that_was_drawn(data, expected, tolerance):
    assert np.abs(grey(data).astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize(("mode", "photometric"), [("I;16", 1), ("I;16B", 1), ("I;16", 0)])
def test_16_bit_tiff_is_scaled_not_clipped(mode, photometric):
    ramp = np.tile(np.linspace(0, 65535, 64).astype(">u2" if mode == "I;16B" else "<u2"), (32, 1))
    image = Image.frombytes(mode, (64, 32), ramp.tobytes())
    wanted = np.abs((0 if photometric else 255) - ramp / 257)
    assert np.abs(grey(encoded(image, "TIFF", tiffinfo={262: photometric})) - wanted).max() <= 0.5


def test_cmyk_jpeg_without_adobes_marker_is_not_inverted():
    data = encoded(ImageChops.invert(GREY.convert("RGB").convert("CMYK")), "JPEG", quality=98)
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4], "big") + 2
    assert np.abs(grey(data[:at] + data[at + length :]).astype(int) - PIXELS).max() <= 8


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
def test_transparency_becomes_white_paper(mode):
    ink = Image.new("L", (32, 32), 0)
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, 32).astype(np.uint8), (32, 1)))
    image = Image.merge("LA", (ink, alpha)).convert(mode if mode != "PA" else "RGBA")
    data = encoded(image.quantize() if mode == "PA" else image, "PNG")
    assert np.abs(grey(data).astype(int) - (255 - np.asarray(alpha).astype(int))).max() <= (14 if mode == "PA" else 0)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, PIXELS),
        (2, PIXELS[:, ::-1]),
        (3, PIXELS[::-1, ::-1]),
        (4, PIXELS[::-1]),
        (5, PIXELS.T),
        (6, np.rot90(PIXELS)),
        (7, PIXELS[::-1, ::-1].T),
        (8, np.rot90(PIXELS, -1)),
        (99, PIXELS),
    ],
)
def test_exif_orientation(form, orientation, stored):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 98}, "WEBP": {"lossless": True}}.get(form, {})
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), form, exif=exif, **options)
    assert np.abs(grey(data).astype(int) - PIXELS).max() <= 8


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(GREY, "PNG", dpi=(300, 300)), 300),
        (encoded(GREY, "JPEG", dpi=(200, 200)), 200),
        (encoded(GREY, "JPEG", dpi=(72, 72)), None),
        (encoded(GREY, "JPEG"), None),
        (tiff(GREY, dpi=(600, 600)), 600),
        (tiff(GREY, tiffinfo={282: 118.11, 283: 118.11, 296: 3}), 300),  # dots per cm
        (tiff(GREY, dpi=(3, 3)), None),
        (tiff(GREY, dpi=(1e6, 1e6)), None),
        (tiff(GREY, tiffinfo={282: TiffImagePlugin.IFDRational(1, 0), 283: 300, 296: 2}), 300),
        (pdf_page(288, 288), 300),
    ],
    ids=label,
)
def test_dpi(data, expected):
    assert one(data).dpi == (expected and pytest.approx(expected, rel=0.01))


def test_fax_gets_square_pixels():
    page = one(tiff(ONE_BIT, compression="group4", dpi=(204, 98)))
    assert page.grey.shape == (round(128 * 204 / 98), 96)
    assert page.dpi == 204


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\n", Reason.UNREADABLE_FILE),
        (b"scan,page,field\n1,1,amount\n" * 20, Reason.UNREADABLE_FILE),
        (b"\x89PNG\r\n\x1a\n", Reason.UNREADABLE_FILE),
        (b"II*\0\0\0\0\0", Reason.NO_PAGES),
        (b"%PDF-1.4 and no more", Reason.UNREADABLE_FILE),
        (locked_pdf(), Reason.ENCRYPTED),
        (pdf(CATALOG, b"<< /Type /Pages /Kids [] /Count 0 >>"), Reason.NO_PAGES),
        (pdf_page(100_000, 100_000), Reason.TOO_LARGE),
        (pdf_page(1, 1), Reason.LOW_RESOLUTION),
        (encoded(Image.new("L", (1, 1)), "PNG"), Reason.LOW_RESOLUTION),
        (encoded(Image.new("L", (2000, 15)), "PNG"), Reason.LOW_RESOLUTION),
        (encoded(Image.new("1", (40_000, 40_000)), "PNG"), Reason.TOO_LARGE),
        (encoded(Image.new("1", (40_000, 40_000)), "TIFF", compression="group4"), Reason.TOO_LARGE),
        (png(40_000, 40_000, 8, 2, b""), Reason.TOO_LARGE),
        (png(40_000, 40, 8, 0, b""), Reason.TOO_LARGE),
        (encoded(Image.new("F", (32, 32)), "TIFF"), Reason.UNREADABLE_FILE),
    ],
    ids=label,
)
def test_refused(data, reason):
    page = one(data)
    assert isinstance(page, Refusal)
    assert page.reason == reason
    assert page.detail.endswith(".")


def test_a_size_is_refused_by_the_header_and_named():
    started = time.perf_counter()
    page = one(png(40_000, 40_000, 8, 2, b""))
    assert "40000 x 40000" in page.detail
    assert time.perf_counter() - started < 0.5


NOISY = Image.fromarray(np.random.default_rng(1).integers(0, 255, (400, 300), np.uint8))
WHOLE = {
    "jpeg": encoded(NOISY, "JPEG"),
    "colour jpeg": encoded(NOISY.convert("RGB"), "JPEG"),
    "progressive jpeg": encoded(NOISY, "JPEG", progressive=True),
    "png": encoded(NOISY, "PNG"),
    "lzw": tiff(NOISY, compression="tiff_lzw"),
    "g4": tiff(NOISY.convert("1"), compression="group4"),
    "raw tiff": tiff(NOISY),
    "jpeg tiff": tiff(NOISY, compression="jpeg"),
    "bmp": encoded(NOISY, "BMP"),
    "gif": encoded(NOISY, "GIF"),
    "webp": encoded(NOISY, "WEBP"),
    "jpeg2000": encoded(NOISY, "JPEG2000"),
}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("kind", WHOLE)
def test_a_truncated_image_is_never_a_page(kind, share):
    data = WHOLE[kind]
    assert isinstance(one(data), Raster)
    cut = int(len(data) * share)
    # Some programs make room for a file before they fill it.
    for truncated in (data[:cut], data[:cut] + bytes(len(data) - cut)):
        if kind in ("raw tiff", "bmp", "webp") and len(truncated) == len(data):
            continue  # nothing tells the zeros from a scan
        pages = list(decode(truncated))
        assert pages
        assert all(isinstance(page, Refusal) for page in pages)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", ["jpeg", "colour jpeg", "progressive jpeg"])
def test_a_jpeg_whose_data_ends_before_its_image_is_never_a_page(kind, share):
    scan = WHOLE[kind].index(b"\xff\xda")
    cut = scan + int((len(WHOLE[kind]) - scan) * share * (0.2 if kind == "progressive jpeg" else 1))
    assert one(WHOLE[kind][:cut] + b"\xff\xd9").reason == Reason.UNREADABLE_FILE


def test_a_grey_corner_alone_is_no_damage():
    image = Image.new("L", (64, 64), 128)
    ImageDraw.Draw(image).text((4, 4), "407", fill=20)
    assert isinstance(one(encoded(image, "JPEG", quality=95)), Raster)
    assert isinstance(one(encoded(image, "JPEG", quality=95, progressive=True)), Raster)


@pytest.mark.parametrize("image", [GREY, GREY.quantize(16)], ids=["grey", "palette"])
def test_no_flipped_bit_of_a_png_changes_a_page(image):
    data, rng = encoded(image, "PNG"), random.Random(1)
    for _ in range(100):
        flipped = bytearray(data)
        flipped[rng.randrange(8, len(data) - 12)] ^= 1 << rng.randrange(8)
        assert isinstance(one(bytes(flipped)), Refusal)


def test_a_fax_line_that_cannot_be_decoded_is_noticed():
    fax = bytearray(tiff(drawing(1000, 1400).convert("1"), compression="group4"))
    fax[len(fax) // 2 : len(fax) // 2 + 40] = b"\x55" * 40
    assert one(bytes(fax)).reason == Reason.UNREADABLE_FILE


def test_pages_after_a_damaged_one_still_count():
    data = bytearray(tiff(NOISY, NOISY, NOISY, compression="tiff_lzw"))
    image = Image.open(io.BytesIO(data))
    image.seek(1)
    at = image.tag_v2[273][0]
    data[at : at + 200] = b"\xff" * 200
    first, second, third = decode(bytes(data))
    assert second.reason == Reason.UNREADABLE_FILE
    assert np.array_equal(first.grey, third.grey)


def test_a_tiff_cut_between_its_pages_says_so():
    whole = tiff(GREY, GREY, GREY)
    pages = list(decode(whole[: len(whole) * 2 // 5]))
    assert isinstance(pages[0], Raster)
    assert pages[-1].reason == Reason.UNREADABLE_FILE


def test_a_thumbnail_is_no_page():
    thumbnail = drawing(24, 32)
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    assert len(list(decode(tiff(GREY, thumbnail, GREY)))) == 2


def test_directories_that_run_in_a_circle_end():
    data = bytearray(tiff(GREY, GREY))
    image = Image.open(io.BytesIO(data))
    image.seek(1)
    entries = struct.unpack_from("<H", data, image._frame_pos[1])[0]
    struct.pack_into("<I", data, image._frame_pos[1] + 2 + 12 * entries, image._frame_pos[0])
    assert 2 <= len(list(decode(bytes(data)))) <= 3


def test_the_pages_of_a_file_are_bounded(monkeypatch):
    monkeypatch.setattr("preprocessing.decoding.MAX_PAGES", 3)
    *pages, last = decode(tiff(*[GREY] * 5))
    assert len(pages) == 3
    assert last.reason == Reason.TOO_LARGE


def directories(count, last):
    """A TIFF of ``count`` directories that share one image; the last points to the one numbered ``last``, or none."""
    begin, entries = 8 + 64, ((256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (273, 8), (278, 8), (279, 64))
    size = 2 + 12 * len(entries) + 4
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    following = [*range(1, count), last]
    places = [0 if number is None else begin + number * size for number in following]
    return b"II*\0" + struct.pack("<I", begin) + b"\xff" * 64 + b"".join(table + struct.pack("<I", p) for p in places)


@pytest.mark.parametrize(("count", "last", "pages"), [(1, 0, 1), (3, 0, 3), (3, 1, 3), (5000, None, 11)])
def test_directories_without_an_end_have_one(monkeypatch, count, last, pages):
    monkeypatch.setattr("preprocessing.decoding.MAX_PAGES", 10)
    found = list(decode(directories(count, last)))
    assert len(found) == pages
    assert (found[-1].reason == Reason.TOO_LARGE) == (pages == 11)


def test_a_script_in_a_pdf_does_nothing(tmp_path):
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] >>"
    script = b"/OpenAction << /S /JavaScript /JS (while \\(true\\) { this.exportAsText\\(\\) }) >>"
    launch = b"/AA << /O << /S /Launch /F (/bin/touch) /P (%s/made) >> >>" % bytes(tmp_path)
    catalog = b"<< /Type /Catalog /Pages 2 0 R %s %s >>" % (script, launch)
    assert one(pdf(catalog, ONE_PAGE, page)).grey.min() == 255
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("side_pt", [14_400, 10_000_000, 2_000_000_000])
def test_a_huge_page_box_costs_no_memory(side_pt):
    page = one(pdf_page(side_pt, side_pt))
    assert page.reason in (Reason.TOO_LARGE, Reason.LOW_RESOLUTION, Reason.UNREADABLE_FILE)


def scanned_pdf(*images, **options):
    return encoded(images[0], "PDF", save_all=True, append_images=images[1:], **options)


def test_a_scanners_pdf_is_rendered_at_the_resolution_of_its_image():
    pages = list(decode(scanned_pdf(drawing(500, 700), drawing(500, 700), resolution=200, quality=95)))
    assert [page.grey.shape for page in pages] == [(700, 500)] * 2
    assert pages[0].dpi == pytest.approx(200)
    assert np.abs(pages[1].grey.astype(int) - np.asarray(drawing(500, 700))).mean() < 3


def test_a_pdf_of_pixels_for_points_states_no_dpi():
    page = one(scanned_pdf(drawing(500, 700), resolution=72))
    assert page.grey.shape == (700, 500)
    assert page.dpi is None


def test_a_large_pdf_page_is_rendered_coarser():
    page = one(pdf_page(2384, 3370))  # A0
    assert 200 <= page.dpi < 300
    assert page.grey.min() == 255


def test_a_pdf_image_that_is_too_large_is_refused_before_it_is_decoded():
    image = b"<< /Subtype /Image /Width 40000 /Height 40000 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 0 >>"
    resources = b"/Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] %s >>" % resources
    content = b"<< /Length 21 >>\nstream\nq 99 0 0 99 0 0 cm /I Do Q\nendstream"
    data = pdf(CATALOG, ONE_PAGE, page, content, image + b"\nstream\n\nendstream")
    assert one(data).reason == Reason.TOO_LARGE


def test_a_damaged_page_of_a_pdf_does_not_end_it():
    kids = b"<< /Type /Pages /Kids [3 0 R 9 0 R 4 0 R] /Count 3 >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>"
    kinds = [type(page) for page in decode(pdf(CATALOG, kids, page, page))]
    assert kinds == [Raster, Refusal, Raster]


def test_threads_may_decode_at_once():
    files = [pdf_page(200, 200), WHOLE["g4"], WHOLE["g4"][:900], WHOLE["jpeg"]] * 8
    with ThreadPoolExecutor(4) as pool:
        kinds = list(pool.map(lambda data: type(one(data)), files))
    assert kinds == [Raster, Raster, Refusal, Raster] * 8


def test_damaged_files_print_nothing(tmp_path):
    for kind, data in WHOLE.items():
        (tmp_path / kind).write_bytes(data[: len(data) // 2])
        (tmp_path / f"{kind}.2").write_bytes(data[: len(data) // 2] + b"\x55" * 40 + data[len(data) // 2 + 40 :])
    code = (
        "import pathlib, sys; from preprocessing.decoding import decode\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir(): list(decode(path.read_bytes()))"
    )
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True, timeout=60)
    assert (result.stdout, result.stderr) == (b"", b"")


def mutated(data, rng):
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        at = rng.randrange(min(len(changed), rng.choice((64, 400, len(changed)))))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 1:
            del changed[at : at + rng.randrange(1, 9)]
        elif kind == 2:
            changed[at:at] = rng.randbytes(rng.randrange(1, 9))
        else:
            changed[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
    return bytes(changed)


SMALL = [
    *(encoded(GREY, form) for form in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "JPEG2000", "PPM", "PDF")),
    encoded(GREY.convert("RGB").convert("CMYK"), "JPEG"),
    encoded(GREY.quantize(), "PNG"),
    *(tiff(GREY, GREY, compression=name) for name in ("raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate")),
    tiff(ONE_BIT, ONE_BIT, compression="group4"),
    tiff(ONE_BIT, compression="group3"),
    pdf_page(100, 100),
    locked_pdf(),
]


@pytest.mark.parametrize("number", range(len(SMALL)))
def test_no_damage_raises_anything_or_takes_long(number):
    rng = random.Random(number)
    for _ in range(60):
        data = mutated(SMALL[number], rng)
        started = time.perf_counter()
        pages = list(decode(data))
        assert pages
        assert all(isinstance(page, Raster | Refusal) for page in pages)
        assert time.perf_counter() - started < 10, data.hex()


def test_pdfium_is_told_to_close_documents():
    pages = decode(scanned_pdf(GREY, GREY))
    next(pages)
    pages.close()
    assert isinstance(pdfium.PdfDocument(pdf_page(9, 9)), pdfium.PdfDocument)
