"""docs/forms.md lists every key of a form file, and its example is a sound form."""

import re
from pathlib import Path

import pytest

from forms.entries import (
    BatchTotalEntry,
    CheckDigitEntry,
    DateEntry,
    Entry,
    FieldEntry,
    FormEntry,
    MarkEntry,
    PageEntry,
    RegistrationEntry,
    RepeatEntry,
    RosterEntry,
    SumEntry,
)
from forms.form_file import BUILT_IN, load_form, load_forms

PAGE = (Path(__file__).parents[2] / "docs" / "forms.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"{title}\n", 1)[1].split("\n## ")[0].split("\n### ")[0]


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("### The top of the file", FormEntry),
        ("### `[page]`", PageEntry),
        ("### `[registration]`", RegistrationEntry),
        ("### One of `marks`", MarkEntry),
        ("### `[[field]]`", FieldEntry),
        ("### `repeat`", RepeatEntry),
        ("### `check_digit`", CheckDigitEntry),
        ("### `date`", DateEntry),
        ("### `roster`", RosterEntry),
        ("### `[[sum]]`", SumEntry),
        ("### `[[batch_total]]`", BatchTotalEntry),
    ],
)
def test_the_tables_hold_the_keys_of_the_models(title: str, model: type[Entry]) -> None:
    found = re.findall(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|", section(title), re.MULTILINE)
    rows = [(key, needed.strip(), default.strip()) for key, needed, default in found]
    assert [key for key, _, _ in rows] == list(model.model_fields)
    assert {key for key, needed, _ in rows if needed == "yes"} == {
        key for key, info in model.model_fields.items() if info.is_required()
    }
    for key, _, default in rows:
        info = model.model_fields[key]
        if default.startswith("`") and info.default is not None:
            assert default.strip("`") == repr(info.default).replace("'", '"').lower()


def test_the_example_is_sound(tmp_path: Path) -> None:
    (tmp_path / "blank.png").write_bytes(b"x")
    (tmp_path / "form.toml").write_text(section("## An example").split("```toml\n")[1].split("```")[0])
    assert len(load_form(tmp_path / "form.toml").fields) == 13


def test_the_built_in_forms_are_listed() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) (to|or) (\d+) \|", section("## Built-in forms"), re.MULTILINE)
    assert [name for name, *_ in rows] == list(BUILT_IN)
    for name, one, _, other in rows:
        (field,) = load_forms(name)[0].fields
        assert (field.min_length, field.max_length) == (min(int(one), int(other)), max(int(one), int(other)))
