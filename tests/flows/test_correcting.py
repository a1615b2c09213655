"""``import``, ``export --label-studio`` and ``erase`` as people call them."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.cli import cli
from flows.errors import ExitCode
from forms.form_file import load_forms
from forms.template import Box, FieldKind
from ledger.ledger import Ledger
from reading.readings import FieldReading, PageReading, Reason

FORM = """
name = "slip"
version = "2"
[page]
width_mm = 100.0
height_mm = 60.0
[registration]
marks = [
  {x_mm = 5.0, y_mm = 5.0, size_mm = 4.0},
  {x_mm = 95.0, y_mm = 5.0, size_mm = 4.0},
  {x_mm = 5.0, y_mm = 55.0, size_mm = 4.0},
]
[[field]]
name = "stock"
type = "comb"
x_mm = 20.0
y_mm = 20.0
width_mm = 40.0
height_mm = 8.0
digits = 5
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A ledger with three slips, and their CSV beside it as a spreadsheet leaves it."""
    (tmp_path / "form.toml").write_text(FORM)
    (form,) = load_forms(tmp_path / "form.toml")
    url = f"sqlite:///{tmp_path}/formdigits.sqlite"
    low = (Reason.LOW_CONFIDENCE,)
    with Ledger.open(url) as ledger:
        batch = ledger.open_batch(str(tmp_path / "scans"), "slip", form.digest)
        for number in range(3):
            box = Box(20, 20, 40, 8)
            read = FieldReading("stock", f"0041{number}", 0.6, True, low, (), (), box, b"\x89PNG", FieldKind.COMB, 0.95)
            page = PageReading(f"{number}.png", 1, f"sha{number}", "slip", "2", 0.1, "cnn 1", 0.95, (read,))
            ledger.record_chunk(batch, [page])
        path = ledger.export(batch, tmp_path).readings
    fill(path, "499", "4 1", "412.0")
    return url


def fill(path: Path, *typed: str) -> None:
    with path.open(newline="") as file:
        names, *rows = list(csv.reader(file))
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(names)
        for row, text in zip(rows, typed, strict=True):
            writer.writerow([*row[:3], row[3].lstrip("0"), *row[4:7], text, "Ad\u00e9le", *row[9:]])


def test_import_tells_what_it_mended_and_refused(url: str, tmp_path: Path) -> None:
    result = run("import", tmp_path / "readings.csv", "--form", tmp_path / "form.toml")
    assert result.exit_code == ExitCode.UNREADABLE_PAGES
    told = result.stdout.splitlines()
    assert told[0] == "Answers  2 recorded, 0 known already, 1 refused"
    assert told[1].startswith("Encoding not Unicode: read as cp1252")
    assert told[2] == "Row 2, stock: 499 taken as 00499, for leading zeros were lost"
    assert told[3] == "Row 4, stock: 412.0 taken as 00412, for it was shown with decimals"
    assert told[4].startswith("Row 3, stock: corrected_value breaks rules of its field (wrong_length); type it as")
    refused = tmp_path / "readings.refused-1.csv"
    assert told[5] == f"Refused  {refused}: mend these and import it"
    refused.write_text(refused.read_text(encoding="utf-8-sig").replace("4 1;", "00401;"), encoding="utf-8")
    again = run("import", refused, "--ledger", url, "--form", tmp_path / "form.toml")
    assert (again.exit_code, again.stdout) == (ExitCode.OK, "Answers  1 recorded, 0 known already, 0 refused\n")
    run("export", "--ledger", url, "--out", tmp_path / "out")
    with (tmp_path / "out" / "records.csv").open(newline="") as file:
        assert [row["stock"] for row in csv.DictReader(file)] == ["00499", "00401", "00412"]


def test_without_the_form_only_what_is_certain_all_the_same(url: str, tmp_path: Path) -> None:
    result = run("import", tmp_path / "readings.csv")
    assert "1 recorded, 0 known already, 2 refused" in result.stdout
    assert "Unknown  form slip 2: its rules were not checked; name it with --form" in result.stdout
    assert "Row 2, stock: corrected_value could mean more than one value (00499 or 499)" in result.stdout


def test_label_studio_and_back(url: str, tmp_path: Path) -> None:
    result = run("export", "--ledger", url, "--out", tmp_path / "out", "--label-studio")
    assert result.stdout.startswith("3 tasks\n")
    tasks = json.loads((tmp_path / "out" / "label-studio.json").read_text())
    region = {"from_name": "value", "to_name": "crop", "type": "textarea", "value": {"text": ["00777"]}}
    tasks[0]["annotations"] = [{"result": [region], "completed_by": 1}]
    tasks[1]["annotations"] = [{"result": [], "completed_by": 1}]
    (tmp_path / "out" / "done.json").write_text(json.dumps(tasks))
    result = run("import", tmp_path / "out" / "done.json", "--ledger", url, "--form", tmp_path / "form.toml")
    assert "1 recorded" in result.stdout
    assert "Task 2, stock: it says nothing" in result.stdout


def test_erase_asks_erases_and_says_what_is_left(url: str, tmp_path: Path) -> None:
    refused = CliRunner().invoke(cli, ["erase", "--ledger", url, "--batch", str(tmp_path / "scans")], input="n\n")
    assert refused.exit_code == ExitCode.FAILED
    assert "3 pages: 3 values, 3 images, 0 answers" in refused.stdout
    assert run("erase", "--ledger", url, "--before", "2020-01-01", "--yes").stdout.startswith("Erased   0 pages")
    result = run("erase", "--ledger", url, "--batch", tmp_path / "scans", "--yes")
    assert result.stdout.startswith("Erased   3 pages: 3 values")
    assert f"Not      {tmp_path / 'readings.csv'}: written before" in result.stdout
    for words in (["--batch", "/none", "--yes"], ["--yes"], ["--before", "soon", "--yes"]):
        assert run("erase", "--ledger", url, *words).exit_code == ExitCode.USAGE


def test_what_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "readings.csv").write_text("a,b\n")
    (tmp_path / "bad.toml").write_text("[")
    for words in (["x.csv"], ["readings.csv", "--form", "bad.toml"]):
        result = run("import", *(tmp_path / word if "." in word else word for word in words))
        assert (result.exit_code, result.stderr.count("\n")) == (ExitCode.USAGE, 1)
