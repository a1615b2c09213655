import itertools
import random

import pytest

from ledger.review.standing import Recorded, Standing, counting, effective, person, stage_of, standing_of
from ledger.review.types import Stage, Verdict

VALUE, BACK = Verdict.VALUE, Verdict.RETRACTED


def row(number: int, by: str, value: str, stage: int, retracts: int | None = None) -> Recorded:
    return Recorded(number, by, BACK if retracts else VALUE, value, Stage(stage), retracts)


ONE = [row(1, "Ada", "5", 1)]
TWO = [*ONE, row(2, "Bob", "5", 2)]
DIFFERENT = [*ONE, row(2, "Bob", "6", 2)]


@pytest.mark.parametrize(
    ("history", "keys", "expected"),
    [
        ([], 1, Standing(Stage.FIRST, None, "", "")),
        (ONE, 1, Standing(Stage.SETTLED, 1, "ada", "")),
        ([*ONE, row(2, "Bob", "6", 1)], 1, Standing(Stage.SETTLED, 2, "bob", "")),
        ([*ONE, row(2, "Ada", "", 1, 1)], 1, Standing(Stage.FIRST, None, "", "")),
        (ONE, 2, Standing(Stage.SECOND, None, "ada", "")),
        (TWO, 2, Standing(Stage.SETTLED, 2, "ada", "bob")),
        (TWO, 1, Standing(Stage.SETTLED, 2, "ada", "bob")),
        (DIFFERENT, 2, Standing(Stage.THIRD, None, "ada", "bob")),
        (DIFFERENT, 1, Standing(Stage.THIRD, None, "ada", "bob")),
        ([*DIFFERENT, row(3, "Cyd", "7", 3)], 2, Standing(Stage.SETTLED, 3, "ada", "bob")),
        ([*DIFFERENT, row(3, "Cyd", "7", 0)], 2, Standing(Stage.THIRD, None, "ada", "bob")),
        ([*DIFFERENT, row(3, "Bob", "", 2, 2)], 1, Standing(Stage.SETTLED, 1, "ada", "")),
        ([*TWO, row(3, "Ada", "", 1, 1)], 2, Standing(Stage.FIRST, None, "", "bob")),
        ([*DIFFERENT, row(3, "Ada", "6", 1)], 2, Standing(Stage.SETTLED, 3, "ada", "bob")),
    ],
)
def test_what_answers_amount_to(history: list[Recorded], keys: int, expected: Standing) -> None:
    assert standing_of(history, keys, flagged=True) == expected


def test_a_field_that_was_accepted_waits_for_nobody() -> None:
    assert standing_of([], 1, flagged=False).stage is Stage.SETTLED
    assert standing_of([*ONE, row(2, "Ada", "", 1, 1)], 2, flagged=False).stage is Stage.SETTLED


@pytest.mark.parametrize(
    ("history", "keys", "by", "adjudicates", "seen", "stage"),
    [
        ([], 1, "Ada", False, None, 1),
        ([], 2, "Ada", True, None, 1),
        (ONE, 2, "Bob", False, None, 2),
        (ONE, 2, " ADA ", False, None, 1),  # their own key again
        (DIFFERENT, 2, "Cyd", True, None, 3),
        (DIFFERENT, 2, "Cyd", False, None, 0),
        (DIFFERENT, 2, "Ada", True, None, 1),  # nobody is the third of their own disagreement
        (ONE, 1, "Bob", False, None, 2),  # late, without having seen Ada's
        (ONE, 1, "Bob", False, 1, 1),  # a change of what was seen
        (ONE, 1, "Ada", False, None, 1),
        (TWO, 2, "Cyd", True, None, 0),
        (TWO, 2, "Cyd", True, 2, 3),
        (TWO, 1, "Cyd", True, 1, 0),  # of what held before
    ],
)
def test_which_key_an_answer_is(
    history: list[Recorded], keys: int, by: str, adjudicates: bool, seen: int | None, stage: int
) -> None:
    assert stage_of(history, keys, True, by, adjudicates, seen) == stage


def test_people_are_compared_without_regard_to_case() -> None:
    assert person(" Ada\u0301 STRASSE ") == person("ada\u0301 stra\u00dfe")
    assert person("a" * 5000) == person("a" * 5000)


def test_two_keys_are_never_of_one_person_and_nothing_holds_against_them() -> None:
    """Random histories, each answer with the stage that it gets when it is given."""
    draw = random.Random(5)
    for _ in range(1000):
        history: list[Recorded] = []
        for number in itertools.count(1):
            answers = effective(history)
            if answers and draw.random() < 0.25:
                undone = draw.choice(answers)
                history.append(Recorded(number, undone.reviewer, BACK, "", undone.stage, undone.id))
            else:
                by, seen = draw.choice("ABCD"), draw.choice([None, standing_of(history, 2, True).answer_id])
                stage = stage_of(history, 2, True, by, draw.random() < 0.5, seen)
                history.append(Recorded(number, by, VALUE, draw.choice("56"), stage))
            check(history)
            if draw.random() < 0.1:
                break


def check(history: list[Recorded]) -> None:
    standing = standing_of(history, 2, True)
    counts = {each.stage: each for each in effective(history) if each.id in counting(history)}
    assert (standing.stage is Stage.SETTLED) == (standing.answer_id is not None)
    if Stage.FIRST in counts and Stage.SECOND in counts:
        assert standing.first_by != standing.second_by
    if Stage.THIRD not in counts and standing.answer_id:
        assert counts[Stage.FIRST].value == counts[Stage.SECOND].value
    if Stage.THIRD in counts:
        assert standing.answer_id == counts[Stage.THIRD].id
