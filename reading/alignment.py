"""Forced alignment: which piece of a field's lattice shows which digit, where people have said what the field holds.

The most probable path through the lattice that reads the value (Viterbi), as segmentation graphs are trained in LeCun
et al. 1998, section V. A path may pass over pieces as no digit, at the price that decoding asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reading.decoding import Edge, edge_weights

PASSED_OVER = 10
LEAST_PROBABLE = 1e-3  # a digit that the net holds for less likely is more probably misaligned than badly written


class Aligned(NamedTuple):
    """One piece on the path: its index, its class (a digit, or 10 for *not a digit*), and the net's probability."""

    piece: int
    label: int
    probability: float


_Path = tuple[float, int, int, int]  # log weight, piece, label, digits read before it


def align(cuts: int, edges: Sequence[Edge], probabilities: np.ndarray, value: str) -> tuple[Aligned, ...] | None:
    """The most probable path that reads ``value``.

    Args:
        cuts: the last cut point; cuts that no edge bridges are passed over.
        edges: the pieces.
        probabilities: (len(edges), 11) float, rows sum to 1, column 10 *not a digit*.
        value: what the field holds, digits alone.

    Returns:
        The pieces of the path, left to right; None where no path reads the value.
    """
    if not edges:
        return None
    weights = edge_weights(edges, probabilities)
    best = _best_paths(cuts, edges, np.log(weights), value)
    if (cuts, len(value)) not in best:
        return None
    return tuple(_traced(best, edges, weights, (cuts, len(value))))


def is_plausible(path: Sequence[Aligned]) -> bool:
    """Whether the net finds every digit on the path at least possible where it was put."""
    return all(step.probability >= LEAST_PROBABLE for step in path if step.label != PASSED_OVER)


def _best_paths(cuts: int, edges: Sequence[Edge], log_weights: np.ndarray, value: str) -> dict[tuple[int, int], _Path]:
    """For each cut and number of digits read before it the best last step; piece -1 steps over an empty cell."""
    arriving: list[list[int]] = [[] for _ in range(cuts + 1)]
    bridged = np.zeros(cuts + 1, dtype=bool)
    for index, edge in enumerate(edges):
        arriving[edge.end].append(index)
        bridged[edge.start + 1 : edge.end + 1] = True
    best: dict[tuple[int, int], _Path] = {(0, 0): (0.0, -1, PASSED_OVER, 0)}
    for cut in range(1, cuts + 1):
        for read in range(len(value) + 1):
            steps = _steps_to(cut, read, edges, arriving, bool(bridged[cut]), log_weights, value, best)
            if steps:
                best[cut, read] = max(steps)
    return best


def _steps_to(
    cut: int,
    read: int,
    edges: Sequence[Edge],
    arriving: list[list[int]],
    bridged: bool,
    log_weights: np.ndarray,
    value: str,
    best: dict[tuple[int, int], _Path],
) -> list[_Path]:
    found: list[_Path] = []
    if not bridged and (cut - 1, read) in best:
        found.append((best[cut - 1, read][0], -1, PASSED_OVER, read))
    for index in arriving[cut]:
        start, span = edges[index].start, cut - edges[index].start
        choices = [(PASSED_OVER, read)] + ([(int(value[read - 1]), read - 1)] if read else [])
        for label, before in choices:
            if (start, before) in best:
                # As decoding does: a joint of three segments competes with paths of three edges.
                weight = best[start, before][0] + span * float(log_weights[index, label])
                found.append((weight, index, label, before))
    return found


def _traced(
    best: dict[tuple[int, int], _Path], edges: Sequence[Edge], weights: np.ndarray, at: tuple[int, int]
) -> list[Aligned]:
    steps = []
    while at != (0, 0):
        _, piece, label, before = best[at]
        if piece < 0:
            at = (at[0] - 1, before)
            continue
        steps.append(Aligned(piece, label, float(weights[piece, label])))
        at = (edges[piece].start, before)
    return steps[::-1]
