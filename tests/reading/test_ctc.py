from itertools import groupby, product

import numpy as np
import pytest

from reading.ctc import ALTERNATIVES, decode_columns, mean_values

BLANK = 10


def columns(*answers: dict[int, float]) -> np.ndarray:
    """Log-probabilities (T, 11) of columns that give what is left over to the blank."""
    chances = np.full((len(answers), 11), 1e-12)
    for row, answer in zip(chances, answers, strict=True):
        for digit, chance in answer.items():
            row[digit] = chance
        row[BLANK] = max(1 - sum(chance for digit, chance in answer.items() if digit != BLANK), 1e-12)
    return np.log(chances)


def spelled(path: tuple[int, ...]) -> str:
    return "".join(str(answer) for answer, _ in groupby(path) if answer != BLANK)


def all_values(chances: np.ndarray) -> dict[str, float]:
    """Every value's probability, by adding up all paths."""
    values: dict[str, float] = {}
    for path in product((1, 2, BLANK), repeat=len(chances)):
        chance = float(np.prod([row[answer] for row, answer in zip(chances, path, strict=True)]))
        values[spelled(path)] = values.get(spelled(path), 0.0) + chance
    return values


@pytest.mark.parametrize("seed", range(5))
def test_posteriors_are_those_of_all_paths(seed):
    rng = np.random.default_rng(seed)
    chances = np.full((6, 11), 1e-30)
    chances[:, [1, 2, BLANK]] = rng.dirichlet([0.5, 0.5, 0.5], 6)
    expected = all_values(chances)
    for value, posterior in decode_columns(np.log(chances), 1, 6):
        assert posterior == pytest.approx(expected[value], rel=0.02, abs=1e-3)
    best = max((value for value in expected if value), key=expected.__getitem__)
    assert decode_columns(np.log(chances), 1, 6)[:1] in ((), ((best, pytest.approx(expected[best], rel=0.02)),))


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        ([{7: 0.9}], "7"),
        ([{7: 0.9}, {7: 0.9}], "7"),
        ([{7: 0.9}, {}, {7: 0.9}], "77"),
        ([{1: 0.9}, {2: 0.9}, {}, {}, {}, {2: 0.9}], "122"),
    ],
)
def test_repeats_merge_unless_a_blank_stands_between(answers, value):
    assert decode_columns(columns(*answers), 1, 9)[0][0] == value


def test_nothing_is_read_where_all_is_blank():
    assert decode_columns(columns({}, {3: 0.1}, {}), 1, 9) == ()


def test_a_forbidden_length_leaves_the_allowed_value_its_own_posterior():
    answers = columns({1: 0.99}, {}, {2: 0.7}, {}, {3: 0.99})
    assert decode_columns(answers, 1, 9)[0] == ("123", pytest.approx(0.99 * 0.7 * 0.99, rel=0.01))
    assert decode_columns(answers, 2, 2)[0] == ("13", pytest.approx(0.99 * 0.3 * 0.99, rel=0.01))


def test_without_a_value_of_allowed_length_the_best_is_told():
    assert decode_columns(columns({1: 1.0}, {}, {2: 1.0}), 5, 9)[0][0] == "12"


def test_alternatives_are_ranked_and_their_sum_is_no_more_than_one():
    rng = np.random.default_rng(1)
    values = decode_columns(np.log(rng.dirichlet(np.ones(11), 60)), 1, 20)
    posteriors = [posterior for _, posterior in values]
    assert len(values) <= 1 + ALTERNATIVES
    assert posteriors == sorted(posteriors, reverse=True)
    assert sum(posteriors) <= 1


def test_columns_that_say_nothing_take_no_long_time():
    assert decode_columns(np.log(np.full((200, 11), 1 / 11)), 1, 20)


def test_digits_between_columns_without_answers_are_put_together():
    told = columns({4: 0.8, 9: 0.2}, {}, {1: 0.7, 7: 0.3})
    values = dict(decode_columns(told, 2, 2))
    assert values == {
        "41": pytest.approx(0.56, rel=1e-3),
        "47": pytest.approx(0.24, rel=1e-3),
        "91": pytest.approx(0.14, rel=1e-3),
        "97": pytest.approx(0.06, rel=1e-3),
    }


def test_the_mean_of_views_ranks_what_most_of_them_read():
    mean = mean_values([(("12", 0.6), ("17", 0.4)), (("17", 0.9),), ()])
    assert mean == (("17", pytest.approx(1.3 / 3)), ("12", pytest.approx(0.2)))
    assert mean_values([(), ()]) == ()
    assert len(mean_values([tuple((str(n), 0.1) for n in range(9))])) == 1 + ALTERNATIVES
