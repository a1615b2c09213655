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
DIGITS = "0123456789"

# The probability of a prefix by how its spellings end: in a blank, or in the prefix's last digit.
_Ends = tuple[float, float]
NEVER: _Ends = (0.0, 0.0)


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
    width = max(BEAM, keep)
    for chances, answers in _telling(np.exp(log_probabilities)):
        beam = _followed(beam, chances, answers, max_length + 1)
        if len(beam) > width:
            beam = _best(beam, width)
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


def _telling(probabilities: np.ndarray) -> Iterator[tuple[list[float], list[int]]]:
    """The columns, without all but the first of those that are surely blank one after the other.

    With each column the digits that may be new in it.
    """
    sure = probabilities[:, BLANK] > CERTAIN
    told = probabilities[~sure | np.concatenate([[True], ~sure[:-1]])]
    answers: list[list[int]] = [[] for _ in told]
    for column, digit in np.argwhere(told[:, :BLANK] > NEGLIGIBLE).tolist():
        answers[column].append(digit)
    return zip(told.tolist(), answers, strict=True)


def _followed(beam: dict[str, _Ends], chances: list[float], answers: list[int], longest: int) -> dict[str, _Ends]:
    """All prefixes after one more column."""
    after: dict[str, _Ends] = {}
    for prefix, (in_blank, in_digit) in beam.items():
        either, last = in_blank + in_digit, int(prefix[-1]) if prefix else BLANK
        _, extended = after.get(prefix, NEVER)
        after[prefix] = either * chances[BLANK], extended + in_digit * chances[last]
        if len(prefix) >= longest:
            continue
        for digit in answers:
            # A digit right after itself only goes on: a new one needs a blank between.
            before = in_blank if digit == last else either
            if before:
                longer = prefix + DIGITS[digit]
                blank, known = after.get(longer, NEVER)
                after[longer] = blank, known + before * chances[digit]
    return after


def _best(beam: dict[str, _Ends], width: int) -> dict[str, _Ends]:
    """The ``width`` most probable prefixes; sorting bare numbers is quicker than sorting prefixes by a key."""
    least = sorted([blank + digit for blank, digit in beam.values()])[-width]
    return {prefix: ends for prefix, ends in beam.items() if ends[0] + ends[1] >= least}
