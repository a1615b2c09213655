from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import JobFailed
from flows.mends import MENDS
from flows.reports.report import report, write_report
from flows.reports.report_figures import LEAST_ANSWERS, bars, reliability, risk_coverage
from flows.summary import DigitizeSummary
from forms.template import Box
from ledger.ledger import Ledger
from ledger.reporting import AnsweredField, ReportRows
from preprocessing.page import PageProblem, ProblemReason
from reading.readings import FieldReading, PageReading, Reason
from tests.flows.elements import Elements

LOW = Reason.LOW_CONFIDENCE


def page(number: int, confidence: float, *reasons: Reason, value: str = "412", name: str = "") -> PageReading:
    field = FieldReading(
        "zip", value, confidence, bool(reasons), reasons, (), (), Box(0, 0, 20, 8), b"\x89PNG%d" % number, threshold=0.9
    )
    return PageReading(name or f"{number}.png", 1, f"sha{number}", "envelope", "1", 0.1, "cnn", 0.9, (field,))


def summary(folder: Path, **changes: object) -> DigitizeSummary:
    values: dict = {"pages": 3, "new_pages": 2, "fields": 3, "accepted": 1, "flagged": {"low_confidence": 2}}
    values |= {"unreadable": {}, "seconds": 1.0, "readings_csv": folder / "readings.csv", "kept_csv": None}
    return DigitizeSummary(**values | {"records_csv": folder / "records.csv", "empty_folder": None} | changes)


@pytest.fixture
def rows_of(tmp_path: Path) -> Callable[..., ReportRows]:
    def record(*results: object, share: float = 0.0, shown: int = 2) -> ReportRows:
        with Ledger.open(f"sqlite:///{tmp_path}/l.sqlite") as ledger:
            batch = ledger.open_batch("scans", "envelope", "1")
            ledger.record_chunk(batch, results, share)
            return ledger.report_rows(batch, shown, 2)

    return record


def test_what_is_shown(rows_of: Callable) -> None:
    accepted = [page(number, 0.9 + number / 1000) for number in range(5)]
    flagged = [page(10 + number, 0.5 + number / 100, LOW) for number in range(5)]
    problems = [PageProblem(f"p{n}.png", 0, f"p{n}", ProblemReason.BLANK_PAGE, "Empty.") for n in range(3)]
    rows = rows_of(*accepted, *flagged, page(20, 0.1, value=""), *problems)
    assert [field.scan for field in rows.least_sure] == ["0.png", "1.png"]
    assert [(field.scan, field.png) for field in rows.surest] == [("14.png", b"\x89PNG14"), ("13.png", b"\x89PNG13")]
    assert [(bar.low, bar.accepted, bar.flagged) for bar in bars(rows) if bar.accepted or bar.flagged] == [
        (0.5, 0, 5),
        (0.9, 5, 0),
    ]
    assert [page.scan for page in rows.unread] == ["p0.png", "p1.png"]


def test_the_audit_sample_is_counted_and_not_shown(rows_of: Callable) -> None:
    rows = rows_of(*(page(number, 0.97) for number in range(9)), share=1.0)
    assert sum(rows.accepted) == 9
    assert rows.least_sure == rows.surest == ()


def test_everything_from_outside_is_text(rows_of: Callable, tmp_path: Path) -> None:
    hostile = '<script>alert("x")</script>\udce9.png'
    rows = rows_of(page(1, 0.99, name=hostile), PageProblem(hostile, 0, "", ProblemReason.UNREADABLE_FILE, "<b>&"))
    text = report(hostile, summary(tmp_path, unreadable={"unreadable_file": 1}), rows)
    elements = Elements(text)
    assert elements.open == []
    assert "script" not in {tag for tag, _ in elements.found}
    write_report(hostile, summary(tmp_path), rows, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_it_loads_nothing_and_can_be_read_without_seeing(rows_of: Callable, tmp_path: Path) -> None:
    text = report("scans", summary(tmp_path), rows_of(page(1, 0.99), page(2, 0.3, LOW)))
    elements = Elements(text).found
    assert {tag for tag, _ in elements} & {"script", "link", "iframe", "object"} == set()
    sources = [attributes["src"] for tag, attributes in elements if tag == "img"]
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in text
    assert re.findall(r"https?:", text) == []
    assert all(attributes.get("alt") for tag, attributes in elements if tag == "img")
    assert all(attributes.get("aria-label") for tag, attributes in elements if tag == "svg")
    assert all(attributes.get("scope") for tag, attributes in elements if tag == "th")
    assert "prefers-color-scheme: dark" in text
    assert ("html", {"lang": "en"}) in elements


def test_an_empty_batch_has_a_report(rows_of: Callable, tmp_path: Path) -> None:
    empty = summary(tmp_path, fields=0, accepted=0, pages=0, flagged={})
    assert "No field has a value." in report("scans", empty, rows_of())


def test_notices_stand_at_the_top(rows_of: Callable, tmp_path: Path) -> None:
    told = summary(tmp_path, notices=(("Drift", "envelope: unlike before"),))
    text = report("scans", told, rows_of(page(1, 0.99)))
    assert 0 < text.index("envelope: unlike before") < text.index("Why fields are flagged")


def test_ten_thousand_fields_take_less_than_a_second(rows_of: Callable, tmp_path: Path) -> None:
    pages = [page(number, number / 10_000, *([LOW] if number < 9000 else [])) for number in range(10_000)]
    rows_of(*pages)
    began = time.process_time()
    write_report("scans", summary(tmp_path), rows_of(), tmp_path / "report.html")
    assert time.process_time() - began < 1


def test_a_report_that_cannot_be_written(rows_of: Callable, tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="cannot be written"):
        write_report("scans", summary(tmp_path), rows_of(), tmp_path / "none" / "report.html")


def answered(confidence: float, accepted: bool, right: int, wrong: int) -> list[AnsweredField]:
    return [AnsweredField(confidence, accepted, number < right) for number in range(right + wrong)]


def test_reliability_is_counted_in_bins() -> None:
    (low, high) = reliability([*answered(0.6, False, 12, 8), *answered(1.0, True, 30, 0)])
    assert (low.answered, low.promised, low.right) == (20, pytest.approx(0.6), pytest.approx(0.6))
    assert low.interval[0] < 0.6 < low.interval[1]
    assert (high.low, high.right, high.interval[1]) == (0.995, 1.0, 1.0)


def test_each_answer_counts_for_the_fields_it_stands_for() -> None:
    fields = [*answered(0.99, True, 48, 2), *answered(0.5, False, 60, 40)]
    rows = ReportRows((900, *[0] * 19), (100, *[0] * 19), tuple(fields), (), (), ())
    first, last = risk_coverage(rows)
    assert (first.coverage, first.risk) == (pytest.approx(0.9), pytest.approx(0.04))
    assert (last.coverage, last.risk) == (pytest.approx(1.0), pytest.approx((36 + 40) / 1000))


def test_no_curve_without_answers_of_both_kinds() -> None:
    few = answered(0.99, True, LEAST_ANSWERS - 1, 0)
    rows = ReportRows((900,), (100,), (*few, *answered(0.5, False, 60, 40)), (), (), ())
    assert risk_coverage(rows) == []


def test_the_newest_answer_counts(rows_of: Callable, tmp_path: Path) -> None:
    rows_of(page(1, 0.5, LOW), page(2, 0.95))
    csv = tmp_path / "r.csv"
    for value in ("7", ""):
        csv.write_text(
            f"sha256,page,field,value,corrected_value,reviewer\nsha1,1,zip,412,{value},A\nsha2,1,zip,412,1,A\n"
        )
        with Ledger.open(f"sqlite:///{tmp_path}/l.sqlite") as ledger:
            assert ledger.import_corrections(csv).recorded == (2 if value else 1)
    assert rows_of().answered == (AnsweredField(0.5, False, True),)  # nobody was asked about the accepted one


def test_every_problem_has_a_mend() -> None:
    assert set(MENDS) == set(ProblemReason)
    assert all(text.endswith(".") for text in MENDS.values())
