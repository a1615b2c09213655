"""Lattices small enough to be worked out by hand, and random ones by brute force."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading.decoding import ALTERNATIVES, decode


@dataclass(frozen=True)
class Part:
    start: int
    end: int
    void_prior: float = 0.0


def row(no_digit: float = 0.0, **digits: float) -> list[float]:
    """``row(d3=0.9, d8=0.1)`` -> the eleven probabilities of a piece."""
    return [digits.get(f"d{digit}", 0.0) for digit in range(10)] + [no_digit]


def posteriors(cuts, parts, rows, min_length=0, max_length=9) -> dict[str, float]:
    return dict(decode(cuts, parts, np.array(rows, np.float32), min_length, max_length).values)


def test_two_cells_multiply():
    values = posteriors(2, [Part(0, 1), Part(1, 2)], [row(d1=0.9, d7=0.1), row(d2=0.8, d3=0.2)])
    assert values == pytest.approx({"12": 0.72, "13": 0.18, "72": 0.08, "73": 0.02}, abs=1e-4)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0]])
def test_paths_that_read_the_same_are_added_up(order):
    """1|22 gives 0.9 * 0.8**2, 11|2 gives 0.7**2 * 0.9; all readings of both paths have 0.68 + 0.58."""
    parts = [Part(0, 1), Part(1, 3), Part(0, 2), Part(2, 3)]
    rows = [row(d1=0.9, d7=0.1), row(d2=0.8, d3=0.2), row(d1=0.7, d7=0.3), row(d2=0.9, d3=0.1)]
    values = posteriors(3, [parts[index] for index in order], [rows[index] for index in order])
    assert values["12"] == pytest.approx((0.576 + 0.441) / 1.26, abs=1e-3)


def test_a_joint_competes_with_the_pieces_it_is_made_of():
    """A 4 cut in two: the halves look like 1 and nothing much, the whole is clearly a 4."""
    parts = [Part(0, 1), Part(1, 2), Part(0, 2)]
    values = posteriors(2, parts, [row(d1=0.6, d7=0.4), row(d1=0.3, d6=0.3, d9=0.4), row(d4=1.0)])
    assert max(values, key=values.get) == "4"


@pytest.mark.parametrize(("void_prior", "value"), [(0.97, "12"), (0.9, "12"), (0.02, "152"), (0.0, "152")])
def test_what_has_a_commas_shape_is_passed_over_and_a_digit_is_not(void_prior, value):
    parts = [Part(0, 1), Part(1, 2, void_prior), Part(2, 3)]
    values = posteriors(3, parts, [row(d1=1.0), row(no_digit=0.1, d5=0.9), row(d2=1.0)])
    assert max(values, key=values.get) == value


def test_what_is_no_digit_makes_the_value_unsure():
    parts = [Part(0, 1), Part(1, 2, void_prior=0.02)]
    values = posteriors(2, parts, [row(d1=1.0), row(no_digit=0.7, d5=0.3)])
    assert max(values.values()) < 0.5


def test_a_net_of_ten_classes_reads_too():
    parts = [Part(0, 1), Part(1, 2, void_prior=0.9)]
    values = posteriors(2, parts, [row(d3=1.0), row(d1=1.0)])
    assert max(values, key=values.get) == "3"


def test_empty_cells_are_passed_over():
    parts = [Part(1, 2), Part(4, 5)]
    decoded = decode(7, parts, np.array([row(d4=0.9, d9=0.1), row(d2=1.0)]), 1, 7)
    assert decoded.values[0] == ("42", pytest.approx(0.9, abs=1e-3))
    assert [(step.piece, step.digit) for step in decoded.paths[0]] == [(0, "4"), (1, "2")]


def test_nothing_decodes_to_nothing():
    assert decode(5, [], np.zeros((0, 11)), 1, 5).values == ()


def test_a_length_that_is_asked_for_does_not_make_a_path_probable():
    parts = [Part(0, 1), Part(1, 2), Part(0, 2)]
    rows = [row(d1=0.5, d7=0.5), row(d1=0.5, d7=0.5), row(d4=1.0)]
    free, forced = posteriors(2, parts, rows), posteriors(2, parts, rows, min_length=2)
    assert set(map(len, forced)) == {2}
    assert max(forced.values()) == pytest.approx(free["11"], rel=1e-3)
    assert max(forced.values()) < 0.5


@pytest.mark.parametrize(("min_length", "max_length"), [(3, 5), (0, 1), (4, 4)])
def test_where_no_path_has_an_allowed_length_the_best_of_all_is_given(min_length, max_length):
    decoded = decode(2, [Part(0, 1), Part(1, 2)], np.array([row(d1=1.0), row(d2=1.0)]), min_length, max_length)
    assert decoded.values[0][0] == "12"


def test_the_path_tells_the_pieces_of_the_best_value():
    parts = [Part(0, 1), Part(1, 2), Part(0, 2), Part(2, 3)]
    decoded = decode(3, parts, np.array([row(d1=1.0), row(d1=0.5, d2=0.5), row(d4=0.9, d9=0.1), row(d8=1.0)]), 0, 9)
    path = decoded.path_of(decoded.values[0][0])
    assert "".join(step.digit or "" for step in path) == decoded.values[0][0]
    assert parts[path[0].piece].start == 0
    assert parts[path[-1].piece].end == 3
    assert all(parts[a.piece].end == parts[b.piece].start for a, b in pairwise(path))


# ---- random lattices


def paths(cuts: int, parts: list[Part]) -> list[list[int]]:
    done, open_paths = [], [(0, [])]
    while open_paths:
        at, path = open_paths.pop()
        if at == cuts:
            done.append(path)
        open_paths += [(part.end, [*path, index]) for index, part in enumerate(parts) if part.start == at]
    return done


def brute_force(cuts: int, parts: list[Part], rows: np.ndarray) -> dict[str, float]:
    """Share of each value in the mass of all paths. No piece may be passed over (void_prior 0, no_digit 0)."""
    mass: dict[str, float] = defaultdict(float)
    for path in paths(cuts, parts):
        for digits in product(range(10), repeat=len(path)):
            pairs = zip(path, digits, strict=True)
            mass["".join(map(str, digits))] += np.prod(
                [rows[p, d] ** (parts[p].end - parts[p].start) for p, d in pairs]
            )
    total = sum(mass.values())
    return {value: share / total for value, share in mass.items()}


@st.composite
def lattices(draw, cuts, prior, no_digit):
    """Pieces over every unit step, so that a path exists, and some joints."""
    last = draw(cuts)
    parts = [Part(at, at + 1, draw(prior)) for at in range(last)]
    joints = [(a, b) for a in range(last) for b in range(a + 2, last + 1)]
    parts += [Part(a, b, draw(prior)) for a, b in joints if draw(st.booleans())]
    rows = np.zeros((len(parts), 11))
    for row_ in rows:
        row_[:10] = np.array(draw(st.lists(st.integers(0, 20), min_size=10, max_size=10))) + 1e-4
        row_[:10] *= (1 - (share := draw(no_digit))) / row_[:10].sum()
        row_[10] = share
    return last, parts, rows


@given(lattices(st.integers(1, 3), st.just(0.0), st.just(0.0)))
@settings(deadline=None, max_examples=60)
def test_posteriors_are_those_of_brute_force(lattice):
    cuts, parts, rows = lattice
    true = brute_force(cuts, parts, rows)
    found = decode(cuts, parts, rows, 0, 9).values
    assert found[0][1] == pytest.approx(max(true.values()), abs=0.01)
    for value, posterior in found:
        assert posterior == pytest.approx(true[value], abs=0.01)


@given(lattices(st.integers(1, 8), st.sampled_from([0.0, 0.02, 0.9, 0.97]), st.floats(0, 1)), st.integers(0, 4))
@settings(deadline=None, max_examples=80)
def test_posteriors_are_probabilities_best_first(lattice, min_length):
    cuts, parts, rows = lattice
    decoded = decode(cuts, parts, rows, min_length, min_length + 3)
    found = [posterior for _, posterior in decoded.values]
    assert 1 <= len(found) <= 1 + ALTERNATIVES
    assert found == sorted(found, reverse=True)
    assert min(found) >= 0
    assert sum(found) <= 1 + 1e-6
    assert len({value for value, _ in decoded.values}) == len(found)


def test_a_long_lattice_takes_no_long_time():
    rng = np.random.default_rng(0)
    parts = [Part(a, b, 0.02) for a in range(60) for b in range(a + 1, min(a + 4, 60) + 1)]
    assert decode(60, parts, rng.dirichlet(np.ones(11), len(parts)), 1, 20).values


def test_a_hopeless_value_is_told_where_no_other_has_an_allowed_length():
    parts = [Part(0, 1), Part(1, 2), Part(0, 2)]
    poor = row(no_digit=1 - 1e-5, d1=1e-5)
    rows = np.array([poor, poor, row(d4=1.0)])
    assert posteriors(2, parts, rows)["4"] > 0.9
    assert decode(2, parts, rows, 2, 9).values[0] == ("11", pytest.approx(0, abs=1e-7))


def test_something_is_told_where_every_value_is_hopeless():
    parts = [Part(at, at + 1) for at in range(8)]
    assert len(decode(8, parts, np.array([row(**{f"d{d}": 0.1 for d in range(10)})] * 8), 1, 9).values) == 6


def test_improbable_values_are_told_with_their_posteriors():
    parts = [Part(at, at + 1) for at in range(5)]
    rows = [row(d1=0.95, d7=0.05)] * 5
    values = dict(decode(5, parts, np.array(rows), 1, 9, keep=32).values)
    assert values["77777"] == pytest.approx(0.05**5, rel=0.01)
    assert len(values) == 32
