"""Two readers that agree are worth more than one; two that don't leave a doubt."""

from hypothesis import given
from hypothesis import strategies as st

from reading.combination import ALTERNATIVES, combine


def test_agreement_outweighs_doubt():
    agreed = combine((("12", 0.9), ("17", 0.1)), (("12", 0.9), ("72", 0.1)))
    assert agreed[0][0] == "12"
    assert agreed[0][1] > 0.9


def test_disagreement_keeps_both_values_and_lowers_the_chance():
    values = combine((("12", 0.9),), (("72", 0.9),))
    assert [value for value, _ in values] == ["72", "12"]
    assert values[0][1] < combine((("72", 0.9),), (("72", 0.9),))[0][1]


def test_the_strip_counts_for_more_where_both_are_as_sure():
    assert combine((("12", 0.9),), (("72", 0.9),))[0][0] == "72"


def test_a_reader_without_values_has_no_veto():
    assert combine((), (("72", 0.9),))[0][0] == "72"
    assert combine((("12", 0.9),), ())[0][0] == "12"
    assert combine((), ()) == ()


posteriors = st.dictionaries(st.from_regex(r"[0-9]{0,3}", fullmatch=True), st.floats(0.001, 1.0), max_size=6).map(
    lambda chances: tuple((value, chance / max(1.0, sum(chances.values()))) for value, chance in chances.items())
)


@given(posteriors, posteriors)
def test_what_comes_out_are_posteriors_best_first(lattice, strip):
    chances = [chance for _, chance in combine(lattice, strip)]
    assert len(chances) <= 1 + ALTERNATIVES
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) <= 1 + 1e-9
    assert all(0 < chance <= 1 for chance in chances)
