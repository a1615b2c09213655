import pytest

from reading.suspicion import find_suspects
from tests.made_lessons import lesson, reading


def suspects(lessons, *opinions):
    return find_suspects(lessons, opinions)


@pytest.mark.parametrize(
    ("first", "second", "doubted"),
    [
        (reading("47", 0.99), reading("47", 0.6), True),
        (reading("47", 0.99), reading("42", 0.4), False),  # one net reads what was answered
        (reading("47", 0.7), reading("47", 0.7), False),  # none is sure
        (reading("47", 0.95, (("42", 0.04),)), reading("47", 0.99), False),  # one finds it possible
        (reading("47", 0.99), reading("77", 0.5), True),  # they contradict, each in its own way
        (reading("", 0.99), reading("", 0.99), False),  # nothing was read
    ],
)
def test_a_correction_is_doubted_where_every_net_contradicts_and_one_is_sure(first, second, doubted):
    found = suspects([lesson("a", "42")], [first], [second])
    assert [one.lesson.key for one in found.corrections] == (["a"] if doubted else [])
    if doubted:
        assert found.corrections[0].instead == "47"
        assert "47" in found.corrections[0].why
        assert found.keys == {"a"}


def test_what_two_people_answered_alike_is_believed_whatever_nets_say():
    assert not suspects([lesson("a", "42", confirmed=True)], [reading("47", 0.9999)]).keys


def test_a_reviewer_who_is_contradicted_again_and_again_is_not_believed():
    careful = [lesson(f"c{number}", "42", reviewer="careful") for number in range(40)]
    confused = [lesson(f"x{number}", "42", reviewer="confused") for number in range(40)]
    said = [reading("42")] * 38 + [reading("47")] * 2 + [reading("42")] * 20 + [reading("47")] * 20
    found = suspects([*careful, *confused], said)
    assert found.reviewers == ("confused",)
    assert len(found.corrections) == 22
    assert {one.key for one in found.silenced} == {f"x{number}" for number in range(20)}
    assert len(found.keys) == 42


def test_a_few_slips_silence_nobody():
    lessons = [lesson(f"s{number}", "42", reviewer="new") for number in range(3)]
    assert suspects(lessons, [reading("47")] * 2 + [reading("42")]).reviewers == ()
