"""Corrected CSVs as spreadsheets and people leave them: nothing typed is lost, and nothing else is recorded."""

import csv
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from forms.rules import DateRule
from forms.template import Box, Field, FieldKind
from ledger.answers.refusals import Refusal
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.tables import corrections, pages, readings
from tests.ledger.test_corrections import table

Rows = list[list[str]]
PAGES = 12
BOX = (Box(0, 0, 30, 8),)
FIELDS = {
    "zip": Field("zip", FieldKind.COMB, BOX, 5, 5),
    "date": Field("date", FieldKind.COMB, BOX, 8, 8, date=DateRule(("ddmmyyyy",))),
    "amount": Field("amount", FieldKind.FREEHAND, BOX, 1, 9),
    "card": Field("card", FieldKind.COMB, BOX, 13, 13),
}
TRUTH = {
    (f"sha{number}", name): value
    for number in range(PAGES)
    for name, value in (
        ("zip", f"{number * 7:05d}"),
        ("date", f"{1 + 2 * number:02d}032024"),
        ("amount", f"{1 + number * 991}"),
        ("card", f"{10**12 * (number % 3) + number + 412:013d}"),
    )
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, read: Callable, field: Callable) -> tuple[Path, Rows]:
    """A ledger in which every value was read with a wrong last digit, and its CSV with the right ones typed in."""
    folder = tmp_path_factory.mktemp("exported")
    with Ledger.open(f"sqlite:///{folder}/ledger.sqlite") as ledger:
        batch = ledger.open_batch("scans", "form", "1")
        for number in range(PAGES):
            names = {name: TRUTH[f"sha{number}", name] for name in FIELDS}
            slips = {name: value[:-1] + str((int(value[-1]) + 1) % 10) for name, value in names.items()}
            fields = [field(name, slip) for name, slip in slips.items()]
            ledger.record_chunk(batch, [read(f"{number}.png", 1, f"sha{number}", *fields)])
        path = ledger.export(batch, folder).readings
    with path.open(newline="") as file:
        names, *rows = list(csv.reader(file))
    for row in rows:
        row[7:9] = TRUTH[row[16], row[2]], "Ad\u00e9le"
    return folder / "ledger.sqlite", [names, *rows]


def as_text(rows: Rows, delimiter: str) -> str:
    text = StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def drop_zeros(rows: Rows, _: random.Random) -> None:
    """A double click: whatever looks like a number becomes one."""
    for row in rows[1:]:
        row[3], row[7] = (cell.lstrip("0") or cell[:1] for cell in (row[3], row[7]))


def show_exponents(rows: Rows, _: random.Random) -> None:
    for row in rows[1:]:
        row[3], row[7] = (
            f"{int(cell):.5E}" if len(cell) > 11 and cell.isdigit() and cell[0] != "0" else cell
            for cell in (row[3], row[7])
        )


def show_dates(rows: Rows, chance: random.Random) -> None:
    style = chance.choice(["%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%d 00:00:00", "%d/%m/%Y", "%d-%b-%Y"])
    for row in rows[1:]:
        if row[2] == "date" and len(row[7]) == 8:
            row[7] = datetime.strptime(row[7], "%d%m%Y").strftime(style)


def shuffle(rows: Rows, chance: random.Random) -> None:
    rest = rows[1:]
    chance.shuffle(rest)
    rows[1:] = rest


def delete(rows: Rows, chance: random.Random) -> None:
    rows[1:] = chance.sample(rows[1:], 30)


def duplicate(rows: Rows, chance: random.Random) -> None:
    rows += [list(row) for row in chance.sample(rows[1:], 8)]


def with_columns_in_another_order(rows: Rows, chance: random.Random) -> Rows:
    order = chance.sample(range(len(rows[0])), len(rows[0]))
    return [[(row[place] if place < len(row) else "") for place in order] for row in rows]


def use_decimal_commas(rows: Rows, _: random.Random) -> None:
    for row in rows[1:]:
        row[4] = row[4].replace(".", ",")


def leave_out_ends(rows: Rows, _: random.Random) -> None:
    for row in rows[1:]:
        while row and not row[-1]:
            row.pop()


MUTATIONS = (drop_zeros, show_exponents, show_dates, shuffle, delete, duplicate, use_decimal_commas, leave_out_ends)


@pytest.fixture
def imported(exported: tuple[Path, Rows], tmp_path: Path) -> Callable:
    """Import bytes into a copy of the ledger: what became of them, and (sha256, field) -> values in the ledger."""
    numbers = iter(range(10**6))

    def run(content: bytes) -> tuple:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        for file in exported[0].parent.glob("ledger.sqlite*"):
            shutil.copy(file, folder)
        path = folder / "in.csv"
        path.write_bytes(content)
        with Ledger.open(f"sqlite:///{folder}/ledger.sqlite") as ledger:
            outcome = ledger.import_corrections(path, lambda _form, _version, name: FIELDS[name])
            assert ledger.import_corrections(path, lambda _form, _version, name: FIELDS[name]).recorded == 0
            found: dict[tuple[str, str], list[str]] = {}
            query = select(pages.c.sha256, readings.c.field, corrections.c.value)
            with ledger._database.read() as connection:
                rows = connection.execute(query.join_from(corrections, readings).join(pages))
                for sha256, name, value in rows:
                    found.setdefault((sha256, name), []).append(value)
        return outcome, found

    return run


def check(outcome: Any, found: dict[tuple[str, str], list[str]], typed: set[tuple[str, str]]) -> None:
    """Each answer is recorded once as it was meant, or refused; none that was not typed is there."""
    wrong = {place: values for place, values in found.items() if values != [TRUTH[place]]}
    assert wrong == {}
    refused = {row.line for row in outcome.refused}
    assert len(found) + len(refused) >= len(typed)
    assert set(found) <= typed


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_one_thing_that_spreadsheets_do(mutation: Callable, exported: tuple[Path, Rows], imported: Callable) -> None:
    rows = deepcopy(exported[1])
    mutation(rows, random.Random(1))
    outcome, found = imported(as_text(rows, ",").encode())
    check(outcome, found, {(row[16], row[2]) for row in rows[1:]})
    assert {row.refusal for row in outcome.refused} <= {Refusal.DIGITS_LOST, Refusal.OTHER_VALUE}
    assert len(outcome.refused) == (8 if mutation is show_exponents else 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_separators(
    encoding: str, delimiter: str, exported: tuple[Path, Rows], imported: Callable
) -> None:
    head = "sep=;\r\n" if (encoding, delimiter) == ("utf-8", ";") else ""
    outcome, found = imported((head + as_text(exported[1], delimiter)).encode(encoding))
    assert (outcome.recorded, outcome.refused, found) == (len(TRUTH), (), {k: [v] for k, v in TRUTH.items()})
    assert outcome.encoding == ("cp1252" if encoding == "cp1252" else None)


def test_any_of_them_together(exported: tuple[Path, Rows], imported: Callable) -> None:
    for seed in range(12):
        chance = random.Random(seed)
        rows = deepcopy(exported[1])
        for mutation in chance.sample(MUTATIONS, chance.randint(2, 5)):
            mutation(rows, chance)
        typed = {(row[16], row[2]) for row in rows[1:]}
        rows = with_columns_in_another_order(rows, chance)
        content = as_text(rows, chance.choice(",;\t")).encode(chance.choice(["utf-8-sig", "utf-16", "cp1252"]))
        outcome, found = imported(content)
        check(outcome, found, typed)


def test_decimal_commas_that_split_cells(exported: tuple[Path, Rows], imported: Callable) -> None:
    rows = deepcopy(exported[1])
    for row in rows[1:]:
        row[4], row[12], row[9] = (row[place].replace(".", ",") for place in (4, 12, 9))
    content = "\r\n".join(",".join(row) for row in rows)
    outcome, found = imported(content.encode())
    assert (outcome.refused, len(found)) == ((), len(TRUTH))
    check(outcome, found, set(TRUTH))


def test_a_row_without_an_end_costs_only_itself(exported: tuple[Path, Rows], imported: Callable) -> None:
    lines = as_text(exported[1], ",").splitlines(keepends=True)
    for line in (3, 20, len(lines) - 1):
        lines[line] = lines[line].replace(".png,", '.png,"', 1)
    outcome, found = imported("".join(lines).encode())
    assert [(row.line, row.refusal) for row in outcome.refused] == [
        (number, Refusal.BROKEN) for number in (4, 21, len(lines))
    ]
    assert len(found) == len(TRUTH) - 3
    refused = table(outcome.refused_file)
    assert [row["sha256"] for row in refused] == [exported[1][number][16] for number in (3, 20, len(lines) - 1)]
    assert all(row["refused"].startswith("its cells cannot be told apart; close") for row in refused)


def test_refused_rows_go_on_in_a_file_of_their_own(exported: tuple[Path, Rows], tmp_path: Path) -> None:
    shutil.copy(exported[0], tmp_path)
    path = tmp_path / "readings.csv"
    rows = deepcopy(exported[1])
    rows[1][7], rows[2][7], rows[3][7] = "4,5", "31022024", "12,00"
    path.write_text(as_text(rows, ";"), encoding="utf-16")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        first = ledger.import_corrections(path, lambda _form, _version, name: FIELDS[name])
        assert [row.refusal for row in first.refused] == [Refusal.NOT_A_NUMBER, Refusal.BREAKS_RULES, Refusal.UNCLEAR]
        again = ledger.import_corrections(path, lambda _form, _version, name: FIELDS[name])
        assert again.refused_file == first.refused_file == tmp_path / "readings.refused-1.csv"
        assert (again.recorded, again.known) == (0, len(TRUTH) - 3)
        text = first.refused_file.read_text(encoding="utf-8-sig")
        assert "date_invalid" in text
        for wrong, right in (("4,5", "00000"), ("31022024", "31022024!"), ("12,00", "12")):
            text = text.replace(f";{wrong};", f";{right};")
        first.refused_file.write_text(text, encoding="utf-8")
        mended = ledger.import_corrections(first.refused_file, lambda _form, _version, name: FIELDS[name])
        assert (mended.recorded, mended.refused) == (3, ())
        with ledger._database.read() as connection:
            overridden = connection.execute(select(corrections.c.value).where(corrections.c.overrides != "")).scalars()
            assert list(overridden) == ["31022024"]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Bytes changed, left out or put in."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 3, 30])):
        place = chance.randrange(len(changed))
        changed[place : place + chance.choice([0, 1, 1, 40])] = chance.randbytes(chance.choice([0, 1, 1, 5]))
    return bytes(changed)


def test_no_damage_makes_it_crash(exported: tuple[Path, Rows], imported: Callable) -> None:
    """At worst the file is refused as a whole, where its first line can't be read any more."""
    whole = as_text(exported[1], ",").encode()
    refused = 0
    for seed in range(15):
        with suppress(LedgerError):
            refused += 1
            outcome, found = imported(damaged(whole, random.Random(seed)))
            refused -= 1
            assert set(found) <= set(TRUTH)
            assert outcome.recorded == sum(map(len, found.values()))
            assert outcome.recorded + len(outcome.refused) >= len(TRUTH) - 60
    assert refused < 8
