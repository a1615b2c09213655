import gzip
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from mnist_model.digit_files import DatasetError, read_labelled_images

IMAGES = np.random.default_rng(5).integers(0, 256, (4, 9, 7), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 9], np.uint8)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def saved_idx(folder: Path, images: bytes, labels: bytes, ending: str = "") -> Path:
    (folder / f"site-labels-idx1-ubyte{ending}").write_bytes(labels)
    file = folder / f"site-images-idx3-ubyte{ending}"
    file.write_bytes(images)
    return file


def assert_read(file: Path) -> None:
    found = read_labelled_images(file)
    assert np.array_equal(np.asarray(found.images), IMAGES)
    assert found.labels.tolist() == LABELS.tolist()


def test_idx_files_are_read_plain_and_gzipped(tmp_path):
    assert_read(saved_idx(tmp_path, idx(IMAGES), idx(LABELS)))
    assert_read(saved_idx(tmp_path, gzip.compress(idx(IMAGES)), gzip.compress(idx(LABELS)), ".gz"))


@pytest.mark.parametrize("names", [("x", "y"), ("x_train", "y_train")])
def test_npz_files_are_read_with_either_names(tmp_path, names):
    np.savez(tmp_path / "site.npz", **dict(zip(names, (IMAGES, LABELS), strict=True)))
    assert_read(tmp_path / "site.npz")


def test_folders_are_read_with_what_their_names_say_grey_coloured_and_transparent(tmp_path):
    grey = np.full((5, 6), 200, np.uint8)
    clear = np.dstack([np.zeros((5, 6, 3), np.uint8), np.zeros((5, 6), np.uint8)])
    for digit, name, picture in ((7, "a.png", grey), (0, "b.png", np.dstack([grey] * 3)), (9, "c.png", clear)):
        (tmp_path / str(digit)).mkdir()
        cv2.imwrite(str(tmp_path / str(digit) / name), picture)
    (tmp_path / "7" / "notes.txt").write_text("not a picture")
    found = read_labelled_images(tmp_path)
    assert found.labels.tolist() == [0, 7, 9]
    assert [image.min() for image in found.images] == [200, 200, 255]  # what is clear is as white as paper
    assert {image.shape for image in found.images} == {(5, 6)}


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (idx(IMAGES)[:-1], idx(LABELS)),  # cut short
        (gzip.compress(idx(IMAGES))[:-9], idx(LABELS)),
        (idx(IMAGES).replace(b"\x08", b"\x0d", 1), idx(LABELS)),  # floats
        (b"", idx(LABELS)),
        (idx(IMAGES), idx(LABELS[:3])),
        (idx(IMAGES), idx(LABELS + 7)),  # letters, as in EMNIST's other sets
        (idx(IMAGES[:0]), idx(LABELS[:0])),
    ],
)
def test_malformed_idx_files_are_refused(tmp_path, images, labels):
    with pytest.raises(DatasetError, match="site-"):
        read_labelled_images(saved_idx(tmp_path, images, labels))


def test_what_is_no_collection_of_digits_is_refused(tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "other.bin").write_bytes(b"?")
    lone = tmp_path / "lone-images-idx3-ubyte"
    lone.write_bytes(idx(IMAGES))
    for path in (tmp_path, tmp_path / "absent.npz", tmp_path / "other.bin", lone):
        with pytest.raises(DatasetError) as caught:
            read_labelled_images(path)
        assert caught.value.mend
    (tmp_path / "0" / "broken.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(DatasetError, match=r"broken\.png"):
        read_labelled_images(tmp_path)
