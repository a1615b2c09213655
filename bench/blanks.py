"""Blanks for the forms under bench/forms, made from the scans: no scan may be copied into this repository.

    FORMDIGITS_DATA=DIR python -m bench.blanks

Each form.toml there names ``blank.png``. ``prepare`` makes that picture in a folder outside the repository, beside a
copy of the form.toml:

- ``vote_pwp``: the blank that the data set holds.
- ``vote_dpr``, ``vote_data``: no blank of their editions is there. The photo is flattened by its frame marks, and every
  box is replaced by the typical one of the form: the median of all, in which the writing is gone and the guides remain.
- ``hsf_1``, ``hsf_2``: the page itself, the writing taken out of its boxes.
- ``cheque_*``: the scans of one bank laid over each other and a bright quantile of them taken; then as above.

A blank that was made from the only scan of its form makes registration easier than a real blank would be. That is so
for all but ``vote_pwp``, ``cheque_axis`` (18 scans) and, in part, ``cheque_syndicate`` (2 scans).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from forms.form_file import load_form
from forms.template import Box, FormTemplate

FORMS = Path(__file__).parent / "forms"
GRID_PX = 20
VOTE_SIZE_PX = (1800, 2800)
INSET_MM = 0.45  # printed lines are up to 0.6 mm wide and a little beside their place; only what is inside is painted

# The filled squares of the frame of all vote forms, in pixels of their blanks, and where they lie in each photo.
FRAME = [
    (66, 50), (90, 72), (883, 49), (916, 49), (1712, 49), (1734, 72),
    (66, 1382), (66, 1418), (1734, 1382), (1734, 1418),
    (66, 2728), (90, 2751), (883, 2751), (916, 2751), (1712, 2728), (1734, 2750),
]  # fmt: skip
FRAME_IN_DATA = [
    (108, 580), (137, 608), (1168.5, 597), (1211.5, 598), (2201.5, 616.5), (2230, 644),
    (98, 2242), (98, 2288.5), (2289.5, 2208), (2290.5, 2251.5),
    (89, 4039.5), (121, 4068.5), (1224.5, 4008.5), (1270, 4005.5), (2319, 3915), (2348, 3942.5),
]  # fmt: skip
FRAME_IN_DPR = [
    (33.7, 29), (44.2, 39.5), (404, 25.2), (419.5, 25.2), (779.8, 28.3), (790.3, 38.8),
    (31.8, 633.8), (31.8, 650.8), (792, 633.8), (792, 649.8),
    (33.7, 1246), (44.2, 1256.5), (404, 1257.8), (419, 1257.8), (778.8, 1245.3), (788.3, 1255),
]  # fmt: skip

CHEQUES = {
    "cheque_axis": "Cheque 309*.jpeg",
    "cheque_canara": "Cheque 120618.jpeg",
    "cheque_icici": "Cheque 100835.jpeg",
    "cheque_syndicate": "Cheque 0836*.jpeg",
}


def prepare(data: Path, out: Path) -> dict[str, Path]:
    """Make every form of ``bench/forms`` ready to load.

    Args:
        data: The folder with the real scans.
        out: Where the forms and their blanks go: a folder of its own for each form. Forms made before are kept.

    Returns:
        Name of the form -> its folder, to be given to ``load_forms``.
    """
    sources = sorted(file.parent for file in FORMS.glob("*/form.toml"))
    return {source.name: _prepared(source, data, out / source.name) for source in sources}


def _prepared(source: Path, data: Path, folder: Path) -> Path:
    blank, stated = folder / "blank.png", folder / "form.toml"
    wanted = (source / "form.toml").read_bytes()
    if blank.exists() and stated.exists() and stated.read_bytes() == wanted:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    stated.unlink(missing_ok=True)  # written again below, when the blank that it asks for is whole
    pending = folder / "pending.toml"
    pending.write_bytes(wanted)
    print(f"making the blank of {source.name}")
    picture = _base(source.name, data)
    _write(blank, picture)
    _write(blank, _emptied(source.name, picture, load_form(pending)))
    pending.rename(stated)
    return folder


def _base(name: str, data: Path) -> np.ndarray:
    """The page of the form, (H, W) uint8, with writing in its fields."""
    vote = data / "vote_forms"
    if name == "vote_pwp":
        return _read(vote / "blank" / "c.hasil_pwp_3.png")
    if name == "vote_dpr":
        return _flattened(_read(vote / "photos" / "dpr10_sample_01.jpeg"), FRAME_IN_DPR)
    if name == "vote_data":
        return _flattened(_read(vote / "photos" / "data_sample_01.jpg"), FRAME_IN_DATA)
    if name in CHEQUES:
        return _overlaid(sorted((data / "idrbt_cheques" / "images").glob(CHEQUES[name])))
    return _read(data / "nist_hsf" / f"{name}.png")


def _emptied(name: str, picture: np.ndarray, form: FormTemplate) -> np.ndarray:
    """The page with empty fields."""
    if name == "vote_pwp":
        return picture
    emptied = picture.copy()
    scale = picture.shape[1] / form.page_width_mm
    boxes = [box for field in form.fields for box in field.boxes]
    if name.startswith("vote"):
        # In vote_data strokes run over the printed boxes, which are taken with them; in vote_dpr a rule lies on each.
        margin_mm = INSET_MM if name == "vote_data" else -INSET_MM
        _typify(emptied, [box.grown(margin_mm) for box in boxes], scale)
    else:
        for box in boxes:
            _paint(emptied, box, scale)
    return emptied


def _flattened(photo: np.ndarray, frame: Sequence[tuple[float, float]]) -> np.ndarray:
    """The photo bent so that its frame marks lie as printed (thin-plate spline through them), and evenly lit."""
    width, height = VOTE_SIZE_PX
    spline = RBFInterpolator(np.array(FRAME, float), np.array(frame, float), kernel="thin_plate_spline", smoothing=1.0)
    knots = np.meshgrid(np.arange(0.0, width + GRID_PX, GRID_PX), np.arange(0.0, height + GRID_PX, GRID_PX))
    coarse = spline(np.stack([axis.ravel() for axis in knots], 1)).reshape(*knots[0].shape, 2).astype(np.float32)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32) / GRID_PX, np.arange(height, dtype=np.float32) / GRID_PX)
    source = cv2.remap(coarse, x, y, cv2.INTER_LINEAR)
    flat = cv2.remap(photo, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cv2.divide(flat, _paper(flat), scale=250)


def _paper(grey: np.ndarray) -> np.ndarray:
    """How bright the paper is at each pixel, as if nothing stood on it."""
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    return cv2.resize(cv2.GaussianBlur(closed, (0, 0), 12), grey.shape[::-1])


def _overlaid(files: Sequence[Path]) -> np.ndarray:
    """Scans of one bank's cheque laid over the first of them, and their 70 % brightest value at each pixel."""
    first = _read(files[0])
    layers = [first, *(_laid_over(first, _read(file)) for file in files[1:])]
    return np.quantile(np.stack(layers), 0.7, axis=0, method="nearest").astype(np.uint8)


def _laid_over(first: np.ndarray, other: np.ndarray) -> np.ndarray:
    sift = cv2.SIFT.create(4000)
    (points, features), (others, other_features) = (sift.detectAndCompute(grey, None) for grey in (first, other))
    pairs = cv2.BFMatcher().knnMatch(other_features, features, k=2)
    good = [best for best, second in pairs if best.distance < 0.75 * second.distance]
    source = np.array([others[match.queryIdx].pt for match in good])
    target = np.array([points[match.trainIdx].pt for match in good])
    homography, _ = cv2.findHomography(source, target, cv2.RANSAC, 2.0)
    return cv2.warpPerspective(other, homography, first.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


def _typify(page: np.ndarray, boxes: Sequence[Box], scale: float) -> None:
    """Put the median of all these boxes, taken at one size, in place of each."""
    parts = [page[_cut(box, scale)] for box in boxes]
    height, width = parts[0].shape
    typical = np.median([cv2.resize(part, (width, height)) for part in parts], axis=0).astype(np.uint8)
    for part in parts:
        part[:] = cv2.resize(typical, part.shape[::-1])


def _paint(page: np.ndarray, box: Box, scale: float) -> None:
    """Take the writing out of a box and fill in what lies around it: printed lines and background stay."""
    inside = _cut(box.grown(-INSET_MM), scale)
    part = page[inside]
    paper, lower = np.median(part), np.quantile(part, 0.25)
    ink = (part < paper - np.clip(2 * (paper - lower), 20, 80)).astype(np.uint8)  # a security background spreads
    page[inside] = cv2.inpaint(part, cv2.dilate(ink, np.ones((9, 9), np.uint8)), 5, cv2.INPAINT_TELEA)


def _cut(box: Box, scale: float) -> tuple[slice, slice]:
    left, top, right, bottom = (round(value * scale) for value in (box.x_mm, box.y_mm, box.right_mm, box.bottom_mm))
    return slice(top, bottom), slice(left, right)


def _read(file: Path) -> np.ndarray:
    grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise FileNotFoundError(f"{file} is not there or no image")
    return grey


def _write(file: Path, grey: np.ndarray) -> None:
    if not cv2.imwrite(str(file), grey):
        raise OSError(f"{file} could not be written")


def main() -> int:
    """Make all blanks into ``build/bench/forms``."""
    data = os.environ.get("FORMDIGITS_DATA")
    if not data:
        print("bench.blanks: set FORMDIGITS_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    for name, folder in prepare(Path(data), Path("build/bench/forms")).items():
        print(f"{name}: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
