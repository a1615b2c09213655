"""From a net's answers for each column of a strip to values with posteriors.

Graves et al. 2006, "Connectionist temporal classification", section 3: an answer for each column, blanks between;
the probability of a value is the sum over all ways to spell it, repeats merged and blanks dropped. The search keeps the
best prefixes at each column (Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition", section
2). All values together have the probability 1, so what is found is a posterior already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

BEAM = 12  # prefixes kept at each column
ALTERNATIVES = 5
NEGLIGIBLE = 1e-4  # an answer this improbable starts no new prefix
CERTAIN = 0.9999  # a column this surely blank is passed over at once
BLANK = 10

# The probability of a prefix by how its spellings end: in a blank, or in the prefix's last digit.
_Ends = tuple[float, float]


def decode_columns(
    log_probabilities: np.ndarray, min_length: int, max_length: int, keep: int = 1 + ALTERNATIVES
) -> tuple[tuple[str, float], ...]:
    """The most probable values with ``min_length`` to ``max_length`` digits.

    Args:
        log_probabilities: (T, 11) float, natural logarithms, rows sum to 1 as probabilities; column 10 is the blank.
        min_length: fewest digits.
        max_length: most digits.
        keep: how many values are wanted.

    Returns:
        At most ``keep`` values with their posteriors, best first. Posteriors are over all values, those of
        forbidden lengths too; where no value that was found has an allowed length, the best of all are returned. None
        where the strip is most probably empty.
    """
    beam: dict[str, _Ends] = {"": (1.0, 0.0)}
    for chances in _telling(np.exp(log_probabilities)):
        beam = _followed(beam, chances, max_length + 1, max(BEAM, keep))
    found = {value: blank + digit for value, (blank, digit) in beam.items()}
    if max(found, key=found.__getitem__) == "":
        return ()
    found.pop("", None)
    allowed = {value: chance for value, chance in found.items() if min_length <= len(value) <= max_length} or found
    ranked = sorted(allowed.items(), key=lambda item: -item[1])[:keep]
    return tuple((value, min(1.0, chance)) for value, chance in ranked)


def mean_values(
    readings: Sequence[tuple[tuple[str, float], ...]], keep: int = 1 + ALTERNATIVES
) -> tuple[tuple[str, float], ...]:
    """One list of values from those of several views of one strip: the mean of the posteriors.

    What a view does not list has no posterior there. A view that is empty counts for no value: where all are, nothing
    is read.
    """
    totals: dict[str, float] = {}
    for reading in readings:
        for value, posterior in reading:
            totals[value] = totals.get(value, 0.0) + posterior / len(readings)
    return tuple(sorted(totals.items(), key=lambda item: -item[1])[:keep])


def _telling(probabilities: np.ndarray) -> Iterator[list[float]]:
    """The columns, without all but the first of those that are surely blank one after the other."""
    blank_before = False
    for chances in probabilities.tolist():
        sure = chances[BLANK] > CERTAIN
        if not (sure and blank_before):
            yield chances
        blank_before = sure


def _followed(beam: dict[str, _Ends], chances: list[float], longest: int, width: int) -> dict[str, _Ends]:
    """All prefixes after one more column, the best of them."""
    blank = chances[BLANK]
    digits = [(str(digit), chance) for digit, chance in enumerate(chances[:BLANK]) if chance > NEGLIGIBLE]
    after: dict[str, _Ends] = {}
    for prefix, (in_blank, in_digit) in beam.items():
        last = chances[int(prefix[-1])] if prefix else 0.0
        _add(after, prefix, (in_blank + in_digit) * blank, in_digit * last)
        if len(prefix) >= longest:
            continue
        for digit, chance in digits:
            # A digit right after itself only goes on: a new one needs a blank between.
            before = in_blank if prefix and digit == prefix[-1] else in_blank + in_digit
            if before:
                _add(after, prefix + digit, 0.0, before * chance)
    if len(after) <= width:
        return after
    return dict(sorted(after.items(), key=lambda item: -sum(item[1]))[:width])


def _add(beam: dict[str, _Ends], prefix: str, in_blank: float, in_digit: float) -> None:
    known = beam.get(prefix, (0.0, 0.0))
    beam[prefix] = (known[0] + in_blank, known[1] + in_digit)
