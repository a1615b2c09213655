import pickle

import pytest

from reading.lessons import (
    LearningError,
    Omission,
    Shortage,
    choose_lessons,
    digest_of,
    folds,
    split_lessons,
)
from tests.made_lessons import lesson

MANY = [lesson(f"p{number}", value=str(10 + number)) for number in range(200)]


def test_fields_without_value_or_ink_are_left_out_with_the_reason():
    odd = [lesson("empty", ""), lesson("erased", ink=False), lesson("words", "4O")]
    chosen = choose_lessons([*MANY, *odd])
    assert chosen.usable == tuple(MANY)
    assert {why: [one.key for one in them] for why, them in chosen.left_out.items()} == {
        Omission.NO_VALUE: ["empty"],
        Omission.NO_CROP: ["erased"],
        Omission.NOT_DIGITS: ["words"],
    }


@pytest.mark.parametrize(
    ("lessons", "reason"),
    [
        ([], Shortage.NO_CORRECTIONS),
        (MANY[:10], Shortage.TOO_FEW),
        ([lesson(f"p{number}", "111") for number in range(200)], Shortage.ONE_DIGIT),
        ([lesson(f"p{number}", ink=False) for number in range(200)], Shortage.ERASED_CROPS),
        ([*MANY[:20], *(lesson(f"e{number}", ink=False) for number in range(80))], Shortage.ERASED_CROPS),
    ],
)
def test_what_cannot_be_learned_from_says_why_and_what_to_do(lessons, reason):
    with pytest.raises(LearningError) as caught:
        choose_lessons(lessons)
    assert caught.value.reason is reason
    assert caught.value.mend in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_page_or_a_writer_is_never_split():
    pages = [lesson(f"{page}-{field}", page=f"page {page}") for page in range(60) for field in range(4)]
    split = split_lessons(pages, 0.3)
    assert not {one.page for one in split.training} & {one.page for one in split.held_out}
    assert 0.1 < len(split.held_out) / len(pages) < 0.5
    written = [lesson(f"w{number}", writer=f"writer {number % 50}") for number in range(200)]
    split = split_lessons(written, 0.3)
    assert not {one.writer for one in split.training} & {one.writer for one in split.held_out}
    halves = folds(written, 2)
    assert not {one.writer for one in halves[0]} & {one.writer for one in halves[1]}
    assert len(halves[0]) + len(halves[1]) == len(written)


def test_a_lesson_stays_on_its_side_whatever_others_come():
    few, more = split_lessons(MANY[:120], 0.3), split_lessons(MANY, 0.3)
    assert {one.key for one in few.held_out} <= {one.key for one in more.held_out}
    assert {one.key for one in few.training} <= {one.key for one in more.training}


def test_the_split_of_the_gate_and_the_halves_have_nothing_to_do_with_each_other():
    held_out = split_lessons(MANY, 0.3).held_out
    shares = [len([one for one in half if one in held_out]) / len(half) for half in folds(MANY, 2)]
    assert all(0.1 < share < 0.6 for share in shares)


def test_one_page_alone_gives_nothing_to_judge_by():
    with pytest.raises(LearningError) as caught:
        split_lessons([lesson(f"f{number}", page="the only one") for number in range(200)])
    assert caught.value.reason is Shortage.TOO_FEW_HELD_OUT


def test_the_digest_tells_answers_apart_and_not_their_order():
    assert digest_of(MANY) == digest_of(MANY[::-1])
    assert digest_of(MANY) != digest_of([lesson("p0", "99"), *MANY[1:]])
