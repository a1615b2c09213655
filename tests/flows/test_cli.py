from __future__ import annotations

import csv
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from flows.batches import digitizing
from flows.cli import cli
from flows.errors import ExitCode
from flows.learning import training
from flows.settings import TrainJob
from mnist_model.bundle import ModelError
from tests.flows.drawn_scans import MODEL, draw_digits, settle

FORM = """
[form]
name = "slip"
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def digitize(scans: Path, out: Path, *options: str) -> Result:
    usual = ("--form", "digits", "--model", MODEL, "--workers", "1", "--no-flow")
    return run("digitize", scans, "--out", out, *usual, *options)


def test_digitize_prints_what_it_came_to(scans: Path, tmp_path: Path) -> None:
    result = digitize(scans, tmp_path / "out")
    assert result.exit_code == ExitCode.OK
    assert "12 read, 12 of them now" in result.stdout
    assert str(tmp_path / "out" / "readings.csv") in result.stdout
    assert result.stderr == ""  # nobody watches: no bar


def test_unreadable_pages_have_their_own_exit_code(scans: Path, tmp_path: Path) -> None:
    (scans / "bad.png").write_text("no image")
    settle(scans / "bad.png")
    result = digitize(scans, tmp_path / "out")
    assert result.exit_code == ExitCode.UNREADABLE_PAGES
    assert "1 unreadable_file" in result.stdout


def test_an_empty_folder_is_said_and_gives_csv_without_rows(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    result = digitize(tmp_path / "inbox", tmp_path / "out")
    assert result.exit_code == ExitCode.OK
    assert f"{tmp_path / 'inbox'} holds no scans" in result.stdout
    for name in ("readings.csv", "records.csv"):
        assert (tmp_path / "out" / name).read_text().startswith("scan,page,")
        assert (tmp_path / "out" / name).read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--form", "no-such-form"], "no-such-form"),
        (["--model", "no-such-model"], "no-such-model"),
        (["--min-confidence", "1.5"], "1.5"),
        (["--min-confidence", "high"], "high"),
        (["--workers", "0"], "0"),
        (["--workers", "65"], "65"),
        (["--no-such-option"], "--no-such-option"),
        (["--ledger", "nonsense"], "nonsense"),
        (["--form", ""], "form"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(options: list[str], words: str, scans: Path, tmp_path: Path) -> None:
    result = digitize(scans, tmp_path / "out", *options)
    assert result.exit_code == ExitCode.USAGE
    assert words in result.stderr
    assert result.stderr.startswith("formdigits: ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out" / "readings.csv").exists()


@pytest.mark.parametrize("arguments", [["digitize"], ["digitize", "x"], ["form", "check"], ["nonsense"], ["export"]])
def test_missing_arguments(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("error", "code"), [(RuntimeError("oh"), 1), (KeyboardInterrupt(), 1)])
def test_the_unforeseen_is_one_line_too(
    error: BaseException, code: int, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(digitizing, "check", fail)
    result = digitize(scans, tmp_path / "out")
    assert result.exit_code == code
    assert result.stderr.strip().count("\n") == 0
    assert "Traceback" not in result.stderr


def test_export_writes_the_same_csv(scans: Path, tmp_path: Path) -> None:
    digitize(scans, tmp_path / "out")
    ledger = f"sqlite:///{tmp_path / 'out' / 'formdigits.sqlite'}"
    result = run("export", "--ledger", ledger, "--out", tmp_path / "again", "--scans", scans)
    assert result.exit_code == ExitCode.OK
    for name in ("readings.csv", "records.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    assert run("export", "--ledger", ledger, "--out", tmp_path, "--scans", tmp_path).exit_code == ExitCode.USAGE


def test_corrections_are_kept_and_both_commands_say_so(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    digitize(scans, out)
    ledger = f"sqlite:///{out / 'formdigits.sqlite'}"
    commands = (lambda: digitize(scans, out), lambda: run("export", "--ledger", ledger, "--out", out))
    for number, command in enumerate(commands, 1):
        correct(out / "readings.csv")
        line = f"Kept     {out / f'readings.corrected-{number}.csv'}: the corrections in it are not in the ledger"
        assert line in command().output.splitlines()
        assert "Kept" not in command().output


def correct(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[-1]["corrected_value"] = "7"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_form_check(tmp_path: Path) -> None:
    assert "digits" in run("form", "check", "zip").stdout
    (tmp_path / "form.toml").write_text(FORM)
    result = run("form", "check", tmp_path / "form.toml")
    assert result.exit_code == ExitCode.USAGE
    faults = result.stderr.splitlines()
    assert len(faults) > 1  # all of them at once
    assert all(fault.startswith(f"formdigits: {tmp_path / 'form.toml'}") for fault in faults)


def test_form_show_draws_on_a_sample_scan(tmp_path: Path) -> None:
    envelope = Path(__file__).parents[2] / "sample_scans" / "envelope"
    scan = sorted((envelope / "scans").iterdir())[0]
    result = run("form", "show", envelope, scan, "-o", tmp_path / "p.png", "--model", MODEL)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("form", "scan", "words"),
    [
        ("digits", "d1.png", "one field an image"),
        ("envelope", "no.png", "no.png"),
        ("envelope", "d1.png", "d1.png"),
        ("envelope", "empty", "holds no scans"),
    ],
)
def test_form_show_says_why_not(form: str, scan: str, words: str, scans: Path, tmp_path: Path) -> None:
    (scans / "empty").mkdir()
    folder = Path(__file__).parents[2] / "sample_scans" / form
    result = run(
        "form", "show", folder if folder.exists() else form, scans / scan, "-o", tmp_path / "p", "--model", MODEL
    )
    assert result.exit_code == ExitCode.USAGE
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("shape", [(30, 28, 28), (30, 50, 40)])
def test_evaluate(shape: tuple[int, ...], tmp_path: Path) -> None:
    digits = np.zeros(shape, np.uint8)
    digits[:, 5:-5, shape[2] // 2 - 2 : shape[2] // 2 + 2] = 255
    np.savez(tmp_path / "ones.npz", x=digits, y=np.ones(len(digits), np.int64))
    result = run("evaluate", tmp_path / "ones.npz", "--model", MODEL)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "Accuracy     100.00%" in result.stdout


def test_evaluate_without_digits(tmp_path: Path) -> None:
    result = run("evaluate", tmp_path / "none.npz", "--model", MODEL)
    assert (result.exit_code, result.stderr.count("\n")) == (ExitCode.USAGE, 1)


def test_train_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: TrainJob, __: Any) -> None:
        raise training.JobError(str(ModelError("no room", "make some")))

    monkeypatch.setattr(training, "train", refuse)
    result = run("train", "--no-flow", "--out", tmp_path)
    assert result.exit_code == ExitCode.USAGE
    assert "make some" in result.stderr


def test_the_real_command(scans: Path, tmp_path: Path) -> None:
    options = ["--form", "digits", "--model", MODEL, "--out", tmp_path / "out", "--no-flow"]
    command = [sys.executable, "-m", "flows.cli", "digitize", scans, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.OK
    assert "12 read" in done.stdout
    assert "Traceback" not in done.stderr


def loaded_by(program: str) -> set[str]:
    report = f"{program}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return {module.split(".")[0] for module in done.stdout.split()}


@pytest.mark.parametrize(
    ("program", "never"),
    [
        ("import flows.cli", {"prefect", "tensorflow", "keras", "cv2", "numpy", "sqlalchemy"}),
        ("import flows.batches.digitizing", {"prefect", "tensorflow", "keras", "matplotlib"}),
        (
            "import flows.form_views, flows.reviewing.exporting, flows.learning.training",
            {"prefect", "tensorflow", "keras"},
        ),
    ],
)
def test_what_a_command_does_not_need_is_not_loaded(program: str, never: set[str]) -> None:
    assert not loaded_by(program) & never


def test_reading_a_page_loads_neither_tensorflow_nor_prefect(tmp_path: Path) -> None:
    draw_digits(tmp_path / "s" / "d.png", 7)
    job = f"scans={str(tmp_path / 's')!r}, form='digits', out={str(tmp_path / 'o')!r}, model={MODEL!r}"
    imports = "from flows.settings import DigitizeJob\nfrom flows.batches.digitizing import digitize"
    program = f"{imports}\ndigitize(DigitizeJob({job}))"
    loaded = loaded_by(program)
    assert "cv2" in loaded
    assert not loaded & {"tensorflow", "keras", "prefect"}


def test_help_is_there_at_once() -> None:
    def processor_seconds() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = processor_seconds()
    subprocess.run([sys.executable, "-m", "flows.cli", "--help"], capture_output=True, check=True)
    assert processor_seconds() - before < 0.5


@pytest.mark.parametrize(
    ("flag", "api", "as_flow"),
    [([], None, False), ([], "http://x/api", True), (["--flow"], None, True), (["--no-flow"], "http://x/api", False)],
)
def test_a_configured_api_makes_it_a_flow(
    flag: list[str], api: str | None, as_flow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[bool] = []

    def note(_: Any, *, as_flow: bool) -> Any:
        ran.append(as_flow)
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.cli._digitize", note)
    if api:
        monkeypatch.setenv("PREFECT_API_URL", api)
    run("digitize", "s", "--form", "digits", "--out", "o", *flag)
    assert ran == [as_flow]
