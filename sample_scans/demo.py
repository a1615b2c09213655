"""Reads all sample scans and compares with what was written: ``python -m sample_scans.demo`` (``make demo``).

The first form is read as a recorded Prefect flow, the others by the plain command; both give the same CSV. The exit
code is 0 where the readings keep the bounds below, 1 where they do not or a command failed.
"""

from __future__ import annotations

import argparse
import csv
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sample_scans.plans import SETS

HERE = Path(__file__).parent
MAX_SUBSTITUTION_ERROR = 0.02  # wrong values among accepted ones, all forms together
MIN_READ_RATE = 0.5  # accepted fields among all fields, all forms together
FLAGGED_SHOWN = 10
PAGES_READ = (0, 3)  # exit codes of the command: all pages, or all but some that it names

Row = dict[str, str]
Key = tuple[str, str, str]
"""Scan, page, field: the first three columns of both files."""


@dataclass(frozen=True, slots=True)
class Score:
    """One form's readings beside its truth. ``fields`` counts truth's rows with a field.

    ``unread`` fields are on pages that were refused though they show the form; ``missing`` truth rows have no
    counterpart in the CSV at all; ``misread_pages`` were read though they must be refused, or refused for
    another reason.
    """

    form: str
    fields: int
    flagged: tuple[Row, ...]
    accepted: int
    wrong: tuple[tuple[Row, str], ...]
    unread: int
    refused: int
    misread_pages: tuple[Key, ...]
    missing: tuple[Key, ...]


def compare(form: str, truth: Sequence[Row], readings: Sequence[Row]) -> Score:
    """The score of ``readings``, rows of readings.csv, against ``truth``, rows of truth.csv."""
    found = {_key(row): row for row in readings}
    fields, to_refuse = [row for row in truth if row["field"]], [row for row in truth if not row["field"]]
    refused = [row for row in to_refuse if row["state"] in found.get(_key(row), {}).get("reasons", "").split(";")]
    matched = [(found[_key(row)], row["value"]) for row in fields if _key(row) in found]
    unmatched = [_key(row) for row in fields if _key(row) not in found]
    missing = [key for key in unmatched if (*key[:2], "") not in found]
    accepted = [(row, value) for row, value in matched if row["needs_review"] == "false"]
    return Score(
        form=form,
        fields=len(fields),
        flagged=tuple(row for row, _ in matched if row["needs_review"] != "false"),
        accepted=len(accepted),
        wrong=tuple((row, value) for row, value in accepted if row["value"] != value),
        unread=len(unmatched) - len(missing),
        refused=len(refused),
        misread_pages=tuple(_key(row) for row in to_refuse if row not in refused),
        missing=tuple(missing),
    )


def _key(row: Row) -> Key:
    return row["scan"], row["page"], row["field"]


def complaints(scores: Sequence[Score]) -> list[str]:
    """What breaks the bounds, one sentence each; empty where all is well.

    The two rates are taken over all forms: a form of thirty fields is too small to hold a rate of 2 % to account.
    """
    fields, accepted = sum(score.fields for score in scores), sum(score.accepted for score in scores)
    wrong = sum(len(score.wrong) for score in scores)
    found = []
    if wrong > MAX_SUBSTITUTION_ERROR * accepted:
        found.append(f"{wrong} of {accepted} accepted values are wrong: more than {MAX_SUBSTITUTION_ERROR:.0%}")
    if accepted < MIN_READ_RATE * fields:
        found.append(f"{accepted} of {fields} fields were accepted: fewer than {MIN_READ_RATE:.0%}")
    for score in scores:
        found += [
            f"{score.form}: {scan}, page {page} should have been refused" for scan, page, _ in score.misread_pages
        ]
        found += [f"{score.form}: {scan}, page {page}, has no row for {field}" for scan, page, field in score.missing]
    return found


def table(scores: Sequence[Score]) -> list[str]:
    """The scores as lines of a table."""
    columns = f"{'form':<10}{'fields':>8}{'accepted':>10}{'flagged':>9}{'wrong':>7}{'unread':>8}"
    lines = [f"{columns}  pages refused as they should be"]
    for score in scores:
        to_refuse = score.refused + len(score.misread_pages)
        lines.append(
            f"{score.form:<10}{score.fields:>8}{score.accepted:>10}{len(score.flagged):>9}{len(score.wrong):>7}"
            f"{score.unread:>8}  {score.refused} of {to_refuse}"
        )
    return lines


def flagged_lines(scores: Sequence[Score], truths: dict[str, dict[Key, Row]]) -> list[str]:
    """The first flagged rows, a few of each form."""
    lines = []
    for score in scores:
        for row in score.flagged[: -(-FLAGGED_SHOWN // len(scores))]:
            truth = truths[score.form][_key(row)]
            written = truth["value"] or truth["state"]
            place = f"{score.form:<10}{row['scan'] + ' p' + row['page']:<28}{row['field']:<16}"
            lines.append(f"{place}read {row['value'] or '-':<10}written {written:<12}{row['reasons']}")
    return lines


def read_rows(file: Path) -> list[Row]:
    """The rows of a CSV with a header."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def digitize(form: str, out: Path, extra: Sequence[str]) -> bool:
    """Run the command over one set, as a user would; whether it got through. What an earlier demo left is forgotten."""
    for old in (*out.glob("formdigits.sqlite*"), *out.glob("*.csv")):
        old.unlink()
    folder = Path(os.path.relpath(HERE / form))
    options = ["digitize", str(folder / "scans"), "--form", str(folder), "--out", str(out), *extra]
    print(f"\n$ formdigits {shlex.join(options)}", flush=True)
    ran = subprocess.run([sys.executable, "-m", "flows.cli", *options], check=False)
    return ran.returncode in PAGES_READ


def main(arguments: list[str] | None = None) -> int:
    """Digitize every set, then print what became of it."""
    parser = argparse.ArgumentParser(prog="python -m sample_scans.demo", description="Reads all sample scans.")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the CSV files")
    parser.add_argument("--no-flow", action="store_true", help="read the first form by the plain command too")
    options, for_digitize = parser.parse_known_args(arguments)
    scores, truths = [], {}
    for n, form in enumerate(SETS):
        flow = ["--flow"] if n == 0 and not options.no_flow else ["--no-flow"]
        if not digitize(form, options.out / form, [*flow, *for_digitize]):
            return 1
        truth = read_rows(HERE / form / "truth.csv")
        truths[form] = {_key(row): row for row in truth}
        scores.append(compare(form, truth, read_rows(options.out / form / "readings.csv")))
    _report(scores, truths, options.out)
    return _verdict(scores)


def _report(scores: Sequence[Score], truths: dict[str, dict[Key, Row]], out: Path) -> None:
    print("\nWhat was read beside what was written:\n")
    print("\n".join(table(scores)))
    print("\nSome of what a person should look at:\n")
    print("\n".join(flagged_lines(scores, truths)))
    print("\nEvery field with its value, confidence and reasons:")
    print("\n".join(f"  {out / score.form / 'readings.csv'}" for score in scores))


def _verdict(scores: Sequence[Score]) -> int:
    print()
    for score in scores:
        for row, value in score.wrong:
            place = f"{score.form} {row['scan']} p{row['page']} {row['field']}"
            print(f"Accepted and wrong: {place}: read {row['value'] or '-'}, written {value or 'nothing'}")
    broken = complaints(scores)
    for line in broken:
        print(f"Not as it should be: {line}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
