import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_model import datasets
from mnist_model.datasets import DatasetError, load_digits, load_mnist, load_training_digits, read_extra_digits

ARRAYS = {
    "x_train": np.zeros((4, 28, 28), np.uint8),
    "y_train": np.arange(4),
    "x_test": np.zeros((2, 28, 28), np.uint8),
    "y_test": np.arange(2),
}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv(datasets.DATA_VARIABLE, raising=False)


def saved(path: Path, **changed) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: array for name, array in (ARRAYS | changed).items() if array is not None})
    return path


def test_a_file_and_the_folder_of_the_environment_give_the_same_digits(tmp_path, monkeypatch):
    file = saved(tmp_path / "mnist" / "mnist.npz")
    given = load_mnist(file)
    monkeypatch.setenv(datasets.DATA_VARIABLE, str(tmp_path))
    found = load_mnist()
    monkeypatch.setenv(datasets.DATA_VARIABLE, str(file))
    named = load_mnist()
    assert given.sha256 == found.sha256 == named.sha256
    assert given.source == found.source == "mnist.npz"
    assert given.y_train.tolist() == [0, 1, 2, 3]


def test_the_hash_is_of_the_content_not_of_the_packing(tmp_path):
    plain = saved(tmp_path / "plain.npz")
    packed = tmp_path / "packed.npz"
    np.savez_compressed(packed, **ARRAYS)
    other = saved(tmp_path / "other.npz", y_test=np.array([1, 0]))
    assert load_mnist(plain).sha256 == load_mnist(packed).sha256 != load_mnist(other).sha256


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x_test": None}, "x_test"),
        ({"x_train": np.zeros((4, 28, 28), np.float32)}, "float32"),
        ({"x_train": np.zeros((4, 784), np.uint8)}, "784"),
        ({"x_train": np.zeros((0, 28, 28), np.uint8), "y_train": np.zeros(0, int)}, "at least one"),
        ({"y_train": np.arange(3)}, "labels"),
        ({"y_train": np.array([0, 1, 2, 10])}, "from 0 to 9"),
        ({"y_train": np.array([0, 1, 2, -1])}, "from 0 to 9"),
        ({"y_test": np.array([0.0, 1.0])}, "float64"),
    ],
)
def test_a_malformed_file_is_refused_with_its_reason(tmp_path, changed, said):
    with pytest.raises(DatasetError, match=said):
        load_mnist(saved(tmp_path / "bad.npz", **changed))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    file = tmp_path / "bad.npz"
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=r"bad\.npz"):
        load_mnist(file)


def test_other_files_are_refused(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, **(ARRAYS | {"y_test": np.array([object(), 1], dtype=object)}))
    for file in (tmp_path / "one.npy", pickled, tmp_path, tmp_path / "absent.npz"):
        with pytest.raises(DatasetError) as caught:
            load_mnist(file)
        assert caught.value.problem
        assert "x_train" in caught.value.mend


def test_offline_says_what_to_do(monkeypatch):
    class Offline:
        @staticmethod
        def load_data():
            raise Exception("URL fetch failure")  # what Keras raises

    module = type(sys)("keras.datasets")
    module.mnist = Offline
    monkeypatch.setitem(sys.modules, "keras", type(sys)("keras"))
    monkeypatch.setitem(sys.modules, "keras.datasets", module)
    with pytest.raises(DatasetError, match=r"URL fetch failure.*--data FILE\.npz"):
        load_mnist()


def test_digits_to_evaluate_may_have_any_size(tmp_path):
    file = tmp_path / "digits.npz"
    np.savez(file, x=np.zeros((3, 16, 20), np.uint8), y=np.array([7, 8, 9]))
    x, y = load_digits(file)
    assert x.shape == (3, 16, 20)
    assert y.tolist() == [7, 8, 9]


def two_sources(folder: Path) -> tuple[Path, Path]:
    site = folder / "site.npz"
    x = np.zeros((4, 16, 16), np.uint8)
    x[:, 2:14, 5:9] = 255
    np.savez(site, x=x, y=np.array([7, 7, 7, 7]))
    return saved(folder / "mnist.npz"), site


def test_a_file_with_a_test_half_takes_the_place_of_mnist_and_others_are_mixed_in(tmp_path):
    mnist, site = two_sources(tmp_path)
    alone, mixed = load_training_digits([str(mnist)]), load_training_digits([f"{site}:2.5", str(mnist)])
    assert alone.extra_images == 0
    assert mixed.extra_images == 10
    assert mixed.y_train.tolist() == [0, 1, 2, 3] + [7] * 10
    assert mixed.x_train.shape == (14, 28, 28)
    assert mixed.y_test.tolist() == [0, 1]
    assert mixed.extra == ("site.npz:2.5",)
    assert mixed.sha256 == f"{alone.sha256} + {read_extra_digits(site).sha256}"
    assert mixed.source.startswith("mnist.npz + 2.5 x site.npz (4 digits: ")
    assert mixed.licence == "unknown; unknown"


def test_with_a_weight_mnist_like_files_are_mixed_in_by_their_training_half(tmp_path):
    mnist, _ = two_sources(tmp_path)
    both = load_training_digits([str(mnist), f"{mnist}:0.5"])
    assert both.extra_images == 2
    assert both.y_test.tolist() == [0, 1]


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "1e9"])
def test_a_weight_without_sense_is_refused(tmp_path, weight):
    mnist, site = two_sources(tmp_path)
    with pytest.raises(DatasetError, match="the weight is"):
        load_training_digits([str(mnist), f"{site}:{weight}"])


def test_two_files_for_the_place_of_mnist_are_refused(tmp_path):
    mnist, _ = two_sources(tmp_path)
    with pytest.raises(DatasetError, match="place"):
        load_training_digits([str(mnist), str(mnist)])
