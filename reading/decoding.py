"""From a lattice of pieces and their probabilities to values with posteriors.

LeCun et al. 1998, section V and VI: each path through the segmentation graph reads one string; the score of a value
is the sum over all paths that read it, normalized by the sum over all paths there are. A raw path score can't be
compared between fields, a posterior can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

BEAM = 32  # values kept at each cut; the mass of those dropped stays in the normalization
HOPELESS = 1e-7  # of the mass of all paths: what could add no more than this to any value is not followed
NEGLIGIBLE = 1e-3  # a reading of a piece this much less probable than its best is not followed; its mass stays too
ALTERNATIVES = 5
PASSED_OVER = 0.002  # the share of what looks like no digit that may be left out of the value: blots, stray strokes
FLOOR = 1e-6  # no piece is ever impossible: a posterior of exactly 1 would claim too much
READ_AS = (*"0123456789", "")


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


# How one value so far came about, a bare tuple because thousands are made: its mass over all paths, the mass of the
# best of them, the last reading on that path, and what that reading went on from.
_Hypothesis = tuple[float, float, "_Reading | None", "_Hypothesis | None"]
_START: _Hypothesis = (1.0, 1.0, None, None)
_Reading = tuple[str, float, int]  # the digit ("" for none), how probable, and which piece


@dataclass(frozen=True, slots=True)
class _Graph:
    """The lattice as it is searched, left to right.

    ``arriving`` holds for each cut the edges that end there, as edge and start; ``idle`` whether nothing leads over the
    step to a cut, which then costs nothing; ``readings`` for each edge what it may be read as, with weights, likeliest
    first; ``ahead`` for each cut the mass of all paths from there to the last cut.
    """

    arriving: list[list[tuple[int, int]]]
    idle: list[bool]
    readings: list[list[_Reading]]
    ahead: list[float]

    @property
    def total(self) -> float:
        """The mass of all paths."""
        return self.ahead[0]


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
    chances = edge_weights(edges, probabilities)
    # A joint of three segments competes with paths of three edges: raise it to the number of segments that it explains.
    weights = chances ** np.array([[edge.end - edge.start] for edge in edges])
    graph = _graph(cuts, edges, weights)
    final = _final(graph, min_length, max_length, max(BEAM, keep))
    ranked = sorted(_allowed(final, min_length, max_length).items(), key=_lightest_last)[:keep]
    paths = tuple(_path(found) for _, found in ranked)
    told = np.minimum(chances.sum(axis=1), 1.0).tolist()
    readable = math.prod(told[step.piece] for step in paths[0])
    values = tuple((value, readable * min(1.0, found[0] / graph.total)) for value, found in ranked)
    return Decoded(values, paths)


def _final(graph: _Graph, min_length: int, max_length: int, width: int) -> dict[str, _Hypothesis]:
    """What may have been written. Only where no likely path has an allowed length are the hopeless looked at too."""
    final = _search(graph, max_length, width, HOPELESS)
    if any(min_length <= len(value) for value in final):
        return final
    return _search(graph, max_length, width, 0.0) or _search(graph, len(graph.readings), width, 0.0)


def _allowed(final: dict[str, _Hypothesis], min_length: int, max_length: int) -> dict[str, _Hypothesis]:
    """The values of allowed length; all of them where there are none, or where most likely nothing was written."""
    allowed = {value: found for value, found in final.items() if min_length <= len(value) <= max_length}
    likeliest = max(final, key=lambda value: final[value][0])
    return allowed if allowed and likeliest else final


def edge_weights(edges: Sequence[Edge], probabilities: np.ndarray) -> np.ndarray:
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


def _graph(cuts: int, edges: Sequence[Edge], weights: np.ndarray) -> _Graph:
    arriving: list[list[tuple[int, int]]] = [[] for _ in range(cuts + 1)]
    leaving: list[list[tuple[int, int]]] = [[] for _ in range(cuts + 1)]
    idle = [True] * (cuts + 1)
    for index, edge in enumerate(edges):
        arriving[edge.end].append((index, edge.start))
        leaving[edge.start].append((index, edge.end))
        idle[edge.start + 1 : edge.end + 1] = [False] * (edge.end - edge.start)
    ahead = _mass_ahead(leaving, idle, weights.sum(axis=1).tolist())
    return _Graph(arriving, idle, _readings(weights), ahead)


def _mass_ahead(leaving: list[list[tuple[int, int]]], idle: list[bool], masses: list[float]) -> list[float]:
    ahead = [1.0] * len(leaving)
    for cut in range(len(leaving) - 2, -1, -1):
        on = ahead[cut + 1] if idle[cut + 1] else 0.0
        ahead[cut] = on + sum(masses[index] * ahead[end] for index, end in leaving[cut])
    return ahead


def _readings(weights: np.ndarray) -> list[list[_Reading]]:
    """What of each piece is worth a path, likeliest first."""
    order = np.argsort(-weights, axis=1, kind="stable")
    ranked = np.take_along_axis(weights, order, axis=1)
    followed = (ranked >= NEGLIGIBLE * ranked[:, :1]).sum(axis=1)
    rows = zip(order.tolist(), ranked.tolist(), followed.tolist(), strict=True)
    return [
        [(READ_AS[digit], weight, piece) for digit, weight in zip(digits[:count], row, strict=False)]
        for piece, (digits, row, count) in enumerate(rows)
    ]


def _search(graph: _Graph, max_length: int, width: int, hopeless: float) -> dict[str, _Hypothesis]:
    """The values at the last cut, without what can have no more than the share ``hopeless`` of the mass of all."""
    beams: list[dict[str, _Hypothesis]] = [{"": _START}]
    for cut in range(1, len(graph.idle)):
        beam = dict(beams[cut - 1]) if graph.idle[cut] else {}
        least = hopeless * graph.total / (graph.ahead[cut] or 1.0)
        for index, start in graph.arriving[cut]:
            _extend(beam, beams[start], graph.readings[index], least, max_length)
        beams.append(_best(beam, width))
    return beams[-1]


def _extend(
    beam: dict[str, _Hypothesis],
    before: dict[str, _Hypothesis],
    readings: list[_Reading],
    least: float,
    max_length: int,
) -> None:
    """Put into ``beam`` all that the readings of one piece add to what was read before it."""
    for value, found in before.items():
        mass, best, _, _ = found
        full = len(value) == max_length
        for reading in readings:
            digit, weight, _ = reading
            share = mass * weight
            if share < least:
                break  # the readings that follow are less probable still
            if full and digit:
                continue
            longer = value + digit
            known = beam.get(longer)
            if known is None:
                beam[longer] = (share, best * weight, reading, found)
            elif best * weight > known[1]:
                beam[longer] = (known[0] + share, best * weight, reading, found)
            else:
                beam[longer] = (known[0] + share, *known[1:])


def _best(beam: dict[str, _Hypothesis], width: int) -> dict[str, _Hypothesis]:
    return beam if len(beam) <= width else dict(sorted(beam.items(), key=_lightest_last)[:width])


def _lightest_last(item: tuple[str, _Hypothesis]) -> float:
    return -item[1][0]


def _path(found: _Hypothesis) -> tuple[Step, ...]:
    """The steps of the best path, first to last."""
    steps = []
    _, _, reading, before = found
    while reading is not None and before is not None:
        digit, weight, piece = reading
        steps.append(Step(piece, digit or None, weight))
        _, _, reading, before = before
    return tuple(reversed(steps))
