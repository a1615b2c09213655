"""The forms that the benchmarks read real scans with are sound; their blanks are made when a benchmark runs."""

from pathlib import Path

import pytest

from forms.form_file import load_form

FORMS = sorted((Path(__file__).parents[2] / "bench" / "forms").glob("*/form.toml"))


def test_there_are_forms() -> None:
    assert len(FORMS) >= 9


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.parent.name)
def test_a_benchmark_form_is_sound(file: Path, tmp_path: Path) -> None:
    (tmp_path / "blank.png").write_bytes(b"made later")
    (tmp_path / "form.toml").write_bytes(file.read_bytes())
    assert load_form(tmp_path / "form.toml").name == file.parent.name
