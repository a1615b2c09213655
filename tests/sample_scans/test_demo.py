from dataclasses import replace

import pytest

from sample_scans.demo import Row, Score, compare, complaints, flagged_lines, table


def truth(scan: str, field: str, value: str = "", state: str = "written") -> Row:
    return {"scan": scan, "page": "1", "field": field, "value": value, "state": state, "note": ""}


def read(scan: str, field: str, value: str = "", reasons: str = "") -> Row:
    flagged = "true" if reasons else "false"
    return {"scan": scan, "page": "1", "field": field, "value": value, "needs_review": flagged, "reasons": reasons}


TRUTH = [
    truth("a", "zip", "00501"),
    truth("b", "zip", "12345"),
    truth("c", "zip", state="struck_out"),
    truth("d", "zip", "77777"),
    truth("e", "", state="wrong_form"),
]
GOOD = [
    read("a", "zip", "00501"),
    read("b", "zip", "12345"),
    read("c", "zip", "", "struck_out"),
    read("d", "zip", "77777"),
    read("e", "", "", "wrong_form"),
]


def with_row(index: int, *rows: Row) -> list[Row]:
    return [*GOOD[:index], *rows, *GOOD[index + 1 :]]


def test_a_good_run_has_nothing_to_complain_about() -> None:
    score = compare("zips", TRUTH, GOOD)
    assert (score.fields, score.accepted, len(score.flagged), score.unread, score.refused) == (4, 3, 1, 0, 1)
    assert complaints([score]) == []


@pytest.mark.parametrize(
    ("readings", "complaint"),
    [
        (with_row(0, read("a", "zip", "501")), "accepted values are wrong"),  # a leading zero lost
        (with_row(2, read("c", "zip", "4")), "accepted values are wrong"),  # a struck-out field taken for a value
        (with_row(1, read("b", "zip", "12345", "low_confidence"))[1:], "a, page 1, has no row for zip"),
        (with_row(3), "d, page 1, has no row for zip"),
        (with_row(4), "e, page 1 should have been refused"),
        (with_row(4, read("e", "zip", "1", "low_confidence")), "e, page 1 should have been refused"),
        (with_row(4, read("e", "", "", "unreadable_file")), "e, page 1 should have been refused"),
        ([read(row["scan"], row["field"], "", "low_confidence") for row in GOOD[:4]] + GOOD[4:], "fewer than 50%"),
        ([read(row["scan"], "", "", "not_registered") for row in GOOD[:4]] + GOOD[4:], "fewer than 50%"),
    ],
)
def test_what_goes_wrong_is_said(readings: list[Row], complaint: str) -> None:
    assert any(complaint in line for line in complaints([compare("zips", TRUTH, readings)]))


def test_a_refused_page_is_unread_not_missing() -> None:
    score = compare("zips", TRUTH, with_row(3, read("d", "", "", "not_registered")))
    assert (score.unread, score.missing) == (1, ())


@pytest.mark.parametrize(("wrong", "accepted", "broken"), [(2, 100, False), (3, 100, True), (0, 0, False)])
def test_the_bound_is_a_rate_over_all_forms(wrong: int, accepted: int, broken: bool) -> None:
    score = compare("zips", TRUTH, GOOD)
    small = replace(score, fields=0, accepted=0, wrong=((GOOD[0], ""),) * wrong)
    large = replace(score, fields=accepted, accepted=accepted)
    assert bool(complaints([small, large])) == broken


def test_the_table_has_a_line_a_form() -> None:
    score = compare("zips", TRUTH, GOOD)
    assert [line.split()[0] for line in table([score, score])] == ["form", "zips", "zips"]


def test_flagged_lines_show_what_was_written() -> None:
    score: Score = compare("zips", TRUTH, GOOD)
    (line,) = flagged_lines([score], {"zips": {(row["scan"], row["page"], row["field"]): row for row in TRUTH}})
    assert "struck_out" in line
    assert line.startswith("zips")
