"""``report.html``: a batch on one page, for people who would rather look; it loads nothing from elsewhere."""

from __future__ import annotations

import base64
import secrets
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from flows.errors import JobFailed
from flows.mends import MENDS
from flows.reports.report_figures import LEAST_ANSWERS, bars, reliability, risk_coverage
from flows.summary import DigitizeSummary
from ledger.reporting import ReportRows
from preprocessing.page import ProblemReason

SHOWN = 12
PAGES_SHOWN = 100


def write_report(title: str, summary: DigitizeSummary, rows: ReportRows, file: Path) -> None:
    """Write the report; one that is there is replaced when the new one is whole.

    Args:
        title: what the batch is called.
        summary: what the run came to.
        rows: what the ledger has to show.
        file: the report's place.

    Raises:
        JobFailed: it cannot be written.
    """
    text = report(title, summary, rows)
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise JobFailed(
            f"The report {file} cannot be written ({error.strerror}).", "Make room and run again."
        ) from error


def report(title: str, summary: DigitizeSummary, rows: ReportRows) -> str:
    """The report as HTML."""
    histogram = bars(rows)
    return page_template("report.html.jinja").render(
        title=title,
        summary=summary,
        bars=histogram,
        tallest=max(bar.accepted + bar.flagged for bar in histogram),
        reliability=reliability(rows.answered),
        curve=risk_coverage(rows),
        least_answers=LEAST_ANSWERS,
        rows=rows,
        answered=len(rows.answered),
        unread_total=sum(summary.unreadable.values()),
    )


@cache
def page_template(name: str) -> Template:
    """A template of this folder; it may show shares (0 to 1) as ``percent``, PNGs as a ``picture``."""
    environment = Environment(
        loader=PackageLoader("flows.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "picture": _picture, "mend": _mend}
    return environment.get_template(name)


def _percent(share: float, places: int = 1) -> str:
    return f"{100 * share:.{places}f} %"


def _picture(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _mend(problem: str) -> str:
    return MENDS[ProblemReason(problem)]
