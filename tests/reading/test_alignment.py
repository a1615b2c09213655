from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from reading.alignment import align, is_plausible


def edge(start, end, void_prior=0.0):
    return SimpleNamespace(start=start, end=end, void_prior=void_prior)


def told(*said):
    """(N, 11): each piece is surely its digit, or 10."""
    rows = np.full((len(said), 11), 0.002)
    rows[range(len(said)), said] = 0.98
    return rows


def test_each_digit_gets_its_own_cell_and_empty_cells_are_passed_over():
    edges = [edge(0, 1), edge(2, 3), edge(3, 4)]
    path = align(5, edges, told(4, 0, 7), "407")
    assert [(step.piece, step.label) for step in path] == [(0, 4), (1, 0), (2, 7)]
    assert is_plausible(path)


def test_the_corrected_digit_labels_the_piece_that_the_net_misread():
    path = align(3, [edge(0, 1), edge(1, 2), edge(2, 3)], told(4, 1, 7), "497")
    assert [step.label for step in path] == [4, 9, 7]
    assert path[1].probability == pytest.approx(0.002, abs=1e-3)


def test_a_joint_of_two_segments_is_one_digit_where_the_value_is_short():
    edges = [edge(0, 1), edge(1, 2), edge(0, 2), edge(2, 3)]
    probabilities = told(1, 3, 8, 5)
    assert [step.piece for step in align(3, edges, probabilities, "85")] == [2, 3]
    assert [step.piece for step in align(3, edges, probabilities, "135")] == [0, 1, 3]


def test_a_comma_is_passed_over_as_no_digit():
    edges = [edge(0, 1), edge(1, 2, void_prior=0.9), edge(2, 3)]
    path = align(3, edges, told(4, 1, 2), "42")
    assert [(step.piece, step.label) for step in path] == [(0, 4), (1, 10), (2, 2)]


def test_a_value_that_is_longer_than_the_lattice_has_no_path():
    assert align(2, [edge(0, 1), edge(1, 2)], told(4, 2), "421") is None
    assert align(0, [], np.zeros((0, 11)), "4") is None


def test_a_digit_that_is_as_good_as_impossible_where_it_would_stand_is_not_plausible():
    probabilities = told(4, 1)
    probabilities[1, 9] = 0
    assert not is_plausible(align(2, [edge(0, 1), edge(1, 2)], probabilities, "49"))


def test_of_all_paths_the_most_probable_is_found():
    rng = np.random.default_rng(3)
    cuts = 5
    edges = [edge(a, b, float(rng.uniform(0, 0.5))) for a in range(cuts) for b in range(a + 1, min(cuts, a + 3) + 1)]
    probabilities = rng.dirichlet(np.full(11, 0.3), len(edges))
    for value in ("1", "27", "904", "11111"):
        found = align(cuts, edges, probabilities, value)
        spelled = "".join(str(step.label) for step in found if step.label < 10)
        assert spelled == value
        assert edges[found[0].piece].start == 0
        assert all(edges[b.piece].start == edges[a.piece].end for a, b in pairwise(found))
        best = max(_all_paths(0, cuts, edges, probabilities, value))
        assert _weight(found, edges, probabilities) == pytest.approx(best)


def _all_paths(at, cuts, edges, probabilities, value):
    from reading.decoding import edge_weights

    if at == cuts:
        return [0.0] if not value else []
    weights, totals = np.log(edge_weights(edges, probabilities)), []
    for index, one in enumerate(edges):
        if one.start == at:
            span = one.end - one.start
            for label, rest in [(10, value), *([(int(value[0]), value[1:])] if value else [])]:
                ahead = _all_paths(one.end, cuts, edges, probabilities, rest)
                totals += [span * weights[index, label] + more for more in ahead]
    return totals


def _weight(path, edges, probabilities):
    return sum((edges[s.piece].end - edges[s.piece].start) * np.log(s.probability) for s in path)
