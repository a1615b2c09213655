import pytest

from bench.learning import CONFUSED, POISONS, WRONG_SHARE
from tests.made_lessons import lesson

LESSONS = [lesson(f"p{number}", str(1000 + 7 * number), reviewer=f"reviewer {number % 4}") for number in range(400)]


@pytest.mark.parametrize(("poison", "share"), [("none", 0.0), ("third", WRONG_SHARE), ("alone", 1.0)])
def test_so_many_answers_are_made_wrong_and_named(poison, share):
    said, wrong = POISONS[poison](LESSONS)
    assert [one.key for one in said] == [one.key for one in LESSONS]
    assert wrong == {new.key for new, old in zip(said, LESSONS, strict=True) if new.value != old.value}
    assert len(wrong) / len(LESSONS) == pytest.approx(share, abs=0.05)
    assert all(one.value.isdigit() for one in said)


def test_one_reviewer_is_confused_and_the_others_are_right():
    said, wrong = POISONS["confused"](LESSONS)
    assert {one.reviewer for one in said if one.key in wrong} == {"reviewer 0"}
    assert "1794".translate(CONFUSED) == "7149"
    assert len({new.translate(CONFUSED) for new in "1234567890"}) == 10
