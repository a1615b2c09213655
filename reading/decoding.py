"""From a lattice of pieces and their probabilities to values with posteriors.

LeCun et al. 1998, section V and VI: each path through the segmentation graph reads one string; the score of a value
is the sum over all paths that read it, normalized by the sum over all paths there are. A raw path score can't be
compared between fields, a posterior can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np

BEAM = 32  # values kept at each cut; the mass of those dropped stays in the normalization
NEGLIGIBLE = 1e-3  # a reading of a piece this much less probable than its best is not followed; its mass stays too
ALTERNATIVES = 5
PASSED_OVER = 0.002  # the share of what looks like no digit that may be left out of the value: blots, stray strokes
FLOOR = 1e-6  # no piece is ever impossible: a posterior of exactly 1 would claim too much


class Edge(Protocol):
    """What decoding needs of a piece: see ``preprocessing.page.Piece``."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def void_prior(self) -> float: ...


class Step(NamedTuple):
    """One edge on a path: which piece, read as which digit (None: as no digit), how probable."""

    piece: int
    digit: str | None
    probability: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """The best values of a field with their posteriors, best first, and the best path that reads each."""

    values: tuple[tuple[str, float], ...]
    paths: tuple[tuple[Step, ...], ...]

    def path_of(self, value: str) -> tuple[Step, ...]:
        """The best path that reads ``value``; none where it is not among the values."""
        return next((path for (known, _), path in zip(self.values, self.paths, strict=True) if known == value), ())


class _Hypothesis(NamedTuple):
    mass: float  # over all paths that read this value so far
    best: float  # of the best of them
    path: tuple[Step, ...]


def decode(
    cuts: int,
    edges: Sequence[Edge],
    probabilities: np.ndarray,
    min_length: int,
    max_length: int,
    keep: int = 1 + ALTERNATIVES,
) -> Decoded:
    """The most probable values with ``min_length`` to ``max_length`` digits.

    Args:
        cuts: the last cut point; a path leads from 0 to it. Cuts that no edge bridges are passed over (empty cells).
        edges: the pieces.
        probabilities: (len(edges), 11) float, rows sum to 1, column 10 *not a digit* (all zero if the net has none).
        min_length: fewest digits.
        max_length: most digits.
        keep: how many values are wanted.

    Returns:
        At most ``keep`` values. A posterior is the value's share of the mass of all paths, times the chance
        that the pieces of the best path are digits at all. Posteriors are over all paths, those of forbidden lengths
        too: a grammar that forces an improbable path does not make it probable. Where no path has an allowed length,
        the best of all are returned. No values where there are no edges.
    """
    if not edges:
        return Decoded((), ())
    chances = _edge_weights(edges, probabilities)
    # A joint of three segments competes with paths of three edges: raise it to the number of segments that it explains.
    weights = chances ** np.array([[edge.end - edge.start] for edge in edges])
    beam = max(BEAM, keep)
    final = _search(cuts, edges, weights, max_length, beam) or _search(cuts, edges, weights, len(edges), beam)
    total = _total_mass(cuts, edges, weights)
    ranked = sorted(_allowed(final, min_length, max_length).items(), key=lambda item: -item[1].mass)
    ranked = ranked[:keep]
    readable = float(np.prod([min(1.0, chances[step.piece].sum()) for step in ranked[0][1].path]))
    values = tuple((value, readable * min(1.0, float(found.mass / total))) for value, found in ranked)
    return Decoded(values, tuple(found.path for _, found in ranked))


def _allowed(final: dict[str, _Hypothesis], min_length: int, max_length: int) -> dict[str, _Hypothesis]:
    """The values of allowed length; all of them where there are none, or where most likely nothing was written."""
    allowed = {value: found for value, found in final.items() if min_length <= len(value) <= max_length}
    likeliest = max(final, key=lambda value: final[value].mass)
    return allowed if allowed and likeliest else final


def _edge_weights(edges: Sequence[Edge], probabilities: np.ndarray) -> np.ndarray:
    """(N, 11): the probability of each digit, and that the piece may be passed over.

    Its shape and place say first whether a piece is something to pass over: a line of the cell's frame looks like a 1
    to any classifier. What the classifier takes for no digit is mostly a wrong cut or joint, over which no path may
    lead; that mass is lost, and a row then sums to less than 1.
    """
    priors = np.array([edge.void_prior for edge in edges])
    rejected = probabilities[:, 10].astype(float)
    digits = probabilities[:, :10] * (1 - priors)[:, None]
    passed = priors + (1 - priors) * rejected * PASSED_OVER
    return np.maximum(np.concatenate([digits, passed[:, None]], axis=1), FLOOR)


def _by_end(edges: Sequence[Edge]) -> dict[int, list[int]]:
    order = sorted(range(len(edges)), key=lambda index: edges[index].end)
    return {end: list(members) for end, members in groupby(order, key=lambda index: edges[index].end)}


def _bridged(edges: Sequence[Edge]) -> set[int]:
    """The unit steps (from their left cut) that some edge covers; all others are empty and cost nothing."""
    return {step for edge in edges for step in range(edge.start, edge.end)}


def _search(
    cuts: int, edges: Sequence[Edge], weights: np.ndarray, max_length: int, width: int
) -> dict[str, _Hypothesis]:
    arriving, covered = _by_end(edges), _bridged(edges)
    followed = [_followed(row) for row in weights.tolist()]
    beams: list[dict[str, _Hypothesis]] = [{"": _Hypothesis(1.0, 1.0, ())}]
    for cut in range(1, cuts + 1):
        beam: dict[str, _Hypothesis] = {} if cut - 1 in covered else dict(beams[cut - 1])
        for index in arriving.get(cut, ()):
            for value, found in beams[edges[index].start].items():
                for digit, weight in followed[index]:
                    _extend(beam, value, found, Step(index, digit, weight), max_length)
        best = sorted(beam.items(), key=lambda item: -item[1].mass)[:width]
        beams.append(dict(best))
    return beams[cuts]


def _followed(weights: list[float]) -> list[tuple[str | None, float]]:
    """The readings of one piece that are worth a path: digits, and None for no digit."""
    least = NEGLIGIBLE * max(weights)
    return [(None if digit == 10 else str(digit), weight) for digit, weight in enumerate(weights) if weight >= least]


def _extend(beam: dict[str, _Hypothesis], value: str, found: _Hypothesis, step: Step, max_length: int) -> None:
    longer = value + (step.digit or "")
    if len(longer) > max_length:
        return
    mass, best = found.mass * step.probability, found.best * step.probability
    known = beam.get(longer)
    if known is None:
        beam[longer] = _Hypothesis(mass, best, (*found.path, step))
    elif best > known.best:
        beam[longer] = _Hypothesis(known.mass + mass, best, (*found.path, step))
    else:
        beam[longer] = known._replace(mass=known.mass + mass)


def _total_mass(cuts: int, edges: Sequence[Edge], weights: np.ndarray) -> float:
    arriving, covered = _by_end(edges), _bridged(edges)
    mass = [1.0]
    for cut in range(1, cuts + 1):
        carried = 0.0 if cut - 1 in covered else mass[cut - 1]
        mass.append(carried + sum(mass[edges[index].start] * weights[index].sum() for index in arriving.get(cut, ())))
    return mass[cuts]
