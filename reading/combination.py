"""Two readers of one field, made one: the lattice of cut digits, and the strip that is read without cutting.

They fail differently: the lattice on digits that touch and on ink that is no digit, the strip on writing that its
strings never showed. What both say is worth more than what either says.
"""

from __future__ import annotations

from collections.abc import Sequence

Values = Sequence[tuple[str, float]]

LATTICE_WEIGHT = 0.2
STRIP_WEIGHT = 1.0
UNSEEN = 1e-3  # the chance of a value that a reader did not list: none may veto the other for good
ALTERNATIVES = 5
NEGLIGIBLE = 1e-4  # of the best value: what is less probable counts as not listed, however long a list is


def combine(lattice: Values, strip: Values, keep: int = 1 + ALTERNATIVES) -> tuple[tuple[str, float], ...]:
    """One list of values from two.

    A logarithmic opinion pool (Genest and Zidek 1986, section 3): the weighted product of both posteriors, normalized
    over the values that either lists and what neither does. The weights sum to little more than 1, for both readers see
    the same ink and are not independent.

    Args:
        lattice: values with posteriors by cutting, best first.
        strip: the same by reading the strip.
        keep: how many values are wanted.

    Returns:
        At most ``keep`` values with posteriors, best first; none where neither reader has any.
    """
    cut, whole = _likely(lattice), _likely(strip)
    scores = {value: _pooled(cut.get(value, 0.0), whole.get(value, 0.0)) for value in {**cut, **whole}}
    others = _pooled(max(0.0, 1 - sum(cut.values())), max(0.0, 1 - sum(whole.values())))
    total = sum(scores.values()) + others
    ranked = sorted(scores.items(), key=lambda item: -item[1])[:keep]
    return tuple((value, score / total) for value, score in ranked)


def _likely(values: Values) -> dict[str, float]:
    return {value: chance for value, chance in values if chance > NEGLIGIBLE * values[0][1]}


def _pooled(lattice: float, strip: float) -> float:
    return (lattice + UNSEEN) ** LATTICE_WEIGHT * (strip + UNSEEN) ** STRIP_WEIGHT
