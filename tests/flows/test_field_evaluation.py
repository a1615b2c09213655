"""``evaluate`` of whole fields: known readings beside known truth."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.cli import cli
from flows.errors import ExitCode, JobError
from flows.learning.field_evaluation import evaluate_fields
from forms.template import Box, FieldKind
from ledger.ledger import Ledger
from reading.readings import FieldReading, PageReading, Reason

BOX = Box(0, 0, 20, 8)


def field(name: str, value: str, confidence: float, *reasons: Reason, kind: FieldKind = FieldKind.COMB) -> FieldReading:
    return FieldReading(name, value, confidence, bool(reasons), reasons, (), (), BOX, b"", kind, 0.9)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """20 pages: comb fields, confidence 0.99, every tenth wrong; free-hand ones, flagged at 0.5, every other wrong."""
    with Ledger.open(f"sqlite:///{tmp_path}/formdigits.sqlite") as ledger:
        batch = ledger.open_batch("scans", "form", "1")
        for number in range(20):
            fields = (
                field("sure", "7" if number % 10 else "8", 0.99, *([Reason.AUDIT_SAMPLE] if number < 5 else [])),
                field("unsure", "7" if number % 2 else "8", 0.5, Reason.LOW_CONFIDENCE, kind=FieldKind.FREEHAND),
                field("empty", "", 0.9),
            )
            page = PageReading(f"{number}.png", 1, f"sha{number}", "form", "1", 0.1, "cnn 1", 0.9, fields)
            ledger.record_chunk(batch, [page])
    return tmp_path


def truth(out: Path, pages: int = 20) -> Path:
    lines = [
        f"{number}.png,{name},{'' if name == 'empty' else 7}"
        for number in range(pages)
        for name in ("sure", "unsure", "empty")
    ]
    path = out / "truth.csv"
    path.write_text("\n".join(["scan,field,value", *lines]))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_beside_the_truth(out: Path) -> None:
    comb, freehand, everything = evaluate_fields(f"sqlite:///{out}/formdigits.sqlite", truth(out))
    assert [one.name for one in (comb, freehand, everything)] == ["form, comb", "form, freehand", "all fields"]
    assert (comb.figures.count, comb.figures.exact) == (20, pytest.approx(0.9))
    assert comb.figures.ece == pytest.approx(0.09)
    assert freehand.figures.ece == pytest.approx(0.0)
    assert everything.figures.aurc == pytest.approx((0.1 + 0.3) / 2)


def test_pages_that_were_not_read_are_wrong(out: Path) -> None:
    found = evaluate_fields(f"sqlite:///{out}/formdigits.sqlite", truth(out, 25))
    assert found[-1].figures.exact == pytest.approx(28 / 50)


def test_answers_stand_for_what_they_were_drawn_from(out: Path) -> None:
    """Of 20 accepted values 5 are in the audit sample, one wrong; of 20 flagged ones 10 are answered, half wrong."""
    lines = [f"sha{number},1,sure,7,Ada" for number in range(5)] + [
        f"sha{number},1,unsure,7,Ada" for number in range(10)
    ]
    (out / "in.csv").write_text("\n".join(["sha256,page,field,corrected_value,reviewer", *lines]))
    assert run("import", out / "in.csv").exit_code == ExitCode.OK
    comb, freehand, everything = evaluate_fields(f"sqlite:///{out}/formdigits.sqlite")
    assert (comb.figures.count, comb.figures.exact) == (5, pytest.approx(0.8))
    assert (freehand.figures.count, freehand.figures.exact) == (10, pytest.approx(0.5))
    assert everything.figures.exact == pytest.approx((20 * 0.8 + 20 * 0.5) / 40)
    assert everything.figures.covering(0.5).risk == pytest.approx(0.2)


def test_the_command(out: Path) -> None:
    result = run("evaluate", out, "--truth", truth(out), "-o", out / "curve.png")
    assert result.exit_code == ExitCode.OK
    assert result.stdout.startswith("form, comb: 20 fields, 90 % right\n  calibration error (ECE) 0.0900, area under")
    assert "\n      50 %      10 %  0.9900\n" in result.stdout
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(run("evaluate", out, "--truth", truth(out), "--json").stdout)
    assert told["form, comb"]["count"] == 20


def test_what_cannot_be_evaluated(out: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="Nobody has answered yet"):
        evaluate_fields(f"sqlite:///{out}/formdigits.sqlite")
    other = out / "other.csv"
    other.write_text("scan,field,value\nscans/0.png,sure,7\n")
    with pytest.raises(JobError, match=r"none of the fields that were read such as 0\.png, 1, sure"):
        evaluate_fields(f"sqlite:///{out}/formdigits.sqlite", other)
    for words in ([out / "none"], [out, "--scans", "other"], [out, "--truth", out / "none.csv"]):
        result = run("evaluate", *words)
        assert (result.exit_code, result.stderr.count("\n")) == (ExitCode.USAGE, 1)
    assert run("evaluate", out, "--truth", truth(out), "-o", out / "no" / "x.png").exit_code == ExitCode.USAGE
