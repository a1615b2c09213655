import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.answers.corrections import Imported
from ledger.answers.refusals import Refusal
from ledger.csv_export import READINGS_COLUMNS
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.tables import corrections, readings
from reading.readings import Reason

LOW = Reason.LOW_CONFIDENCE


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def batch(ledger: Ledger, read: Callable, field: Callable) -> int:
    made = ledger.open_batch("scans", "zip", "1")
    fields = field("zip", "0412", LOW), field("date", "", Reason.BLANK), field("amount", "700")
    ledger.record_chunk(made, [read(f"{number}.png", 1, f"sha{number}", *fields) for number in range(3)])
    return made


@pytest.fixture
def answer(ledger: Ledger, batch: int, tmp_path: Path) -> Callable[..., Imported]:
    """Type answers into a fresh readings.csv, row -> (corrected_value, reviewer), and import it."""

    def fill(answers: dict[int, tuple[str, str]], **changes: str) -> Imported:
        rows = table(ledger.export(batch, tmp_path / "fresh").readings)
        path = tmp_path / "filled.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, READINGS_COLUMNS)
            writer.writeheader()
            for number, row in enumerate(rows):
                value, reviewer = answers.get(number, ("", ""))
                typed = {"corrected_value": value, "reviewer": reviewer}
                writer.writerow(row | typed | (changes if number in answers else {}))
        return ledger.import_corrections(path)

    return fill


def answers_of(ledger: Ledger) -> list[tuple[str, str, str]]:
    query = select(readings.c.field, corrections.c.value, corrections.c.reviewer).join_from(corrections, readings)
    with ledger._database.read() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(corrections.c.id))]


def test_corrected_confirmed_and_blank(answer: Callable, ledger: Ledger) -> None:
    given = {0: ("0413", "Ada"), 1: ("", "Ada"), 2: ("blank", ""), 3: (" 00412 ", "Bob")}
    assert answer(given) == Imported(4, 0, ())
    expected = [("zip", "0413", "Ada"), ("date", "", "Ada"), ("amount", "", ""), ("zip", "00412", "Bob")]
    assert answers_of(ledger) == expected


def test_again_changes_nothing(answer: Callable, ledger: Ledger) -> None:
    given = {0: ("0413", "Ada"), 2: ("blank", "Ada")}
    answer(given)
    assert answer(given) == Imported(0, 2, ())
    assert len(answers_of(ledger)) == 2


def test_a_new_answer_is_added_and_an_old_file_cannot_undo_it(answer: Callable, ledger: Ledger) -> None:
    answer({0: ("0413", "Ada")})
    assert answer({0: ("0414", "Ada")}).recorded == 1
    old = answer({0: ("0413", "Ada")}, answer_id="")
    assert (old.recorded, [row.refusal for row in old.refused]) == (0, [Refusal.OUTDATED])
    assert answer({0: ("0413", "Ada")}).recorded == 1  # who sees the newer answer may go back to the older one
    assert [value for _, value, _ in answers_of(ledger)] == ["0413", "0414", "0413"]


@pytest.mark.parametrize(
    ("mine", "knew", "recorded", "refusals"),
    [
        (("0419", "Bob"), False, 0, [Refusal.MEANWHILE]),
        (("", "Bob"), False, 0, [Refusal.MEANWHILE]),
        (("0413", "Bob"), False, 1, []),  # both say the same
        (("0419", "ada "), False, 1, []),  # Ada changed her mind in the file that she has
        (("0419", "Bob"), True, 1, []),  # Bob saw Ada's answer and changed it
    ],
)
def test_someone_else_answered_meanwhile(
    mine: tuple[str, str], knew: bool, recorded: int, refusals: list[Refusal], answer: Callable, ledger: Ledger
) -> None:
    answer({0: ("0413", "Ada")})
    given = answer({0: mine, 1: ("7", "Bob")}, **({} if knew else {"answer_id": ""}))
    assert (given.recorded, [row.refusal for row in given.refused]) == (recorded + 1, refusals)
    assert answers_of(ledger)[0] == ("zip", "0413", "Ada")
    assert all("Ada: 0413" in row.why for row in given.refused)


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [("blank", "blank"), ("BLANK", "blank"), ("illegible", "illegible"), ("Struck out", "struck_out"), ("7", "value")],
)
def test_words(typed: str, verdict: str, answer: Callable, ledger: Ledger) -> None:
    assert answer({0: (typed, "Ada")}).recorded == 1
    with ledger._database.read() as connection:
        assert connection.execute(select(corrections.c.verdict)).scalar() == verdict


@pytest.mark.parametrize(
    ("changes", "value", "refusal"),
    [
        ({"sha256": "other"}, "1", Refusal.UNKNOWN),
        ({"field": "phone"}, "1", Refusal.UNKNOWN),
        ({"page": "2"}, "1", Refusal.UNKNOWN),
        ({"page": "one"}, "1", Refusal.UNKNOWN),
        ({"value": "413"}, "", Refusal.OTHER_VALUE),
        ({}, "12,50", Refusal.NOT_A_NUMBER),
        ({}, "?", Refusal.NOT_A_NUMBER),
    ],
)
def test_a_row_that_cannot_be_taken_is_named(
    changes: dict[str, str], value: str, refusal: Refusal, answer: Callable, ledger: Ledger
) -> None:
    (row,) = answer({3: (value, "Ada")}, **changes).refused
    assert (row.line, row.refusal) == (5, refusal)
    assert answers_of(ledger) == []


def test_the_same_answer_twice_in_one_file_counts_once(answer: Callable, ledger: Ledger) -> None:
    key = {"sha256": "sha0", "page": "1", "field": "zip", "value": "0412"}
    assert answer({0: ("0415", "Ada"), 3: ("0415", "Ada")}, **key) == Imported(1, 0, ())
    assert len(answers_of(ledger)) == 1


def test_contradicting_rows(ledger: Ledger, batch: int, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "sha256,page,field,value,corrected_value,reviewer\nsha0,1,zip,0412,1,Ada\nsha0,1,zip,0412,2,Ada\n\n"
    )
    assert [row.refusal for row in ledger.import_corrections(path).refused] == [Refusal.TWICE] * 2
    path.write_text(path.read_text().replace("1,Ada", "2,").replace("2,Ada", "2,Bob"))
    assert ledger.import_corrections(path).recorded == 1  # the same answer, once without a name
    assert [reviewer for _, _, reviewer in answers_of(ledger)] == ["Bob"]


def test_the_csv_shows_answers_and_records_use_them(
    answer: Callable, ledger: Ledger, batch: int, tmp_path: Path
) -> None:
    answer({0: ("0413", "Ada"), 1: ("", "Bob"), 2: ("blank", ""), 3: ("", "Ada")})
    written = ledger.export(batch, tmp_path)
    shown = [
        (row["value"], row["corrected_value"], row["reviewer"], row["needs_review"]) for row in table(written.readings)
    ]
    assert shown[:4] == [
        ("0412", "0413", "Ada", "false"),
        ("", "blank", "Bob", "false"),
        ("700", "blank", "", "false"),
        ("0412", "0412", "Ada", "false"),
    ]
    assert shown[6] == ("0412", "", "", "true")
    records = [[row["status"], row["to_review"], row["zip"], row["amount"]] for row in table(written.records)]
    assert records[0] == ["accepted", "", "0413", ""]
    assert records[1] == ["needs_review", "date", "0412", "700"]
    assert ledger.summary(batch).checked == 3


def test_a_csv_whose_answers_the_ledger_has_is_not_kept(
    answer: Callable, ledger: Ledger, batch: int, tmp_path: Path
) -> None:
    answer({0: ("0413", "Ada"), 1: ("", "Bob"), 2: ("blank", "")})
    written = ledger.export(batch, tmp_path)
    assert ledger.export(batch, tmp_path).kept is None
    text = written.readings.read_text()
    written.readings.write_text(text.replace("0413,Ada", "0419,Ada"))
    assert ledger.export(batch, tmp_path).kept is not None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"scan,value\na,1\n", "is not a readings.csv"),
        (b"", "is not a readings.csv"),
        (b"\n\n", "is not a readings.csv"),
        (b"PK\x03\x04\x14\0", "is a workbook"),
    ],
)
def test_a_file_that_is_no_readings_csv(content: bytes, problem: str, sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=problem):
        sqlite_ledger.import_corrections(path)


def test_no_such_file(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        sqlite_ledger.import_corrections(tmp_path / "none.csv")
