"""From a net's answers for each column of a strip to values with posteriors.

Graves et al. 2006, "Connectionist temporal classification", section 3: an answer for each column, blanks between;
the probability of a value is the sum over all ways to spell it, repeats merged and blanks dropped. Columns that are
blank for sure part a strip into sections that know nothing of each other, about one for each digit. The search keeps
the best prefixes at each column of a section (Hannun et al. 2014, "First-pass large vocabulary continuous speech
recognition", section 2), and then the best ways to put sections together. All values together have the probability 1,
so what is found is a posterior already.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

BEAM = 12  # prefixes kept at each column, and values after each section
ALTERNATIVES = 5
NEGLIGIBLE = 1e-4  # an answer this improbable is none: a column without answers is blank
HOPELESS = 1e-5  # what is this improbable, by itself or beside the best, is not followed
BLANK = 10
DIGITS = "0123456789"

Spelling = tuple[str, float]  # some digits and their probability
_Column = tuple[float, list[Spelling]]  # the probability of the blank, and the answers
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
    values: list[Spelling] = [("", 1.0)]
    for section in _sections(np.exp(log_probabilities)):
        values = _joined(values, _spelled(section), max(BEAM, keep))
    if not values[0][0]:
        return ()
    found = [value for value in values if value[0]]
    allowed = [value for value in found if min_length <= len(value[0]) <= max_length] or found
    return tuple((value, min(1.0, chance)) for value, chance in allowed[:keep])


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


def _sections(probabilities: np.ndarray) -> list[list[_Column]]:
    """The columns that have answers, those side by side together."""
    columns, digits = np.nonzero(probabilities[:, :BLANK] > NEGLIGIBLE)
    chances, blanks = probabilities[columns, digits].tolist(), probabilities[:, BLANK].tolist()
    sections: list[list[_Column]] = []
    last = -2
    for column, digit, chance in zip(columns.tolist(), digits.tolist(), chances, strict=True):
        if column > last + 1:
            sections.append([])
        if column > last:
            sections[-1].append((blanks[column], []))
        sections[-1][-1][1].append((DIGITS[digit], chance))
        last = column
    return sections


def _spelled(section: list[_Column]) -> list[Spelling]:
    """What a section may say, best first."""
    beam: dict[str, _Ends] = {"": (1.0, 0.0)}
    for blank, answers in section:
        beam = _followed(beam, blank, answers)
        if len(beam) > BEAM:
            beam = _best(beam)
    spelled = [(prefix, in_blank + in_digit) for prefix, (in_blank, in_digit) in beam.items()]
    return sorted(spelled, key=itemgetter(1), reverse=True)


def _followed(beam: dict[str, _Ends], blank: float, answers: list[Spelling]) -> dict[str, _Ends]:
    """All prefixes after one more column."""
    after: dict[str, _Ends] = {}
    again = dict(answers)
    for prefix, (in_blank, in_digit) in beam.items():
        either, last = in_blank + in_digit, prefix[-1:]
        after[prefix] = either * blank, after.get(prefix, NEVER)[1] + in_digit * again.get(last, 0.0)
        for digit, chance in answers:
            # A digit right after itself only goes on: a new one needs a blank between.
            mass = (in_blank if digit == last else either) * chance
            if mass > HOPELESS:
                longer = prefix + digit
                ended, going_on = after.get(longer, NEVER)
                after[longer] = ended, going_on + mass
    return after


def _best(beam: dict[str, _Ends]) -> dict[str, _Ends]:
    return dict(sorted(beam.items(), key=_lightest_last)[:BEAM])


def _lightest_last(item: tuple[str, _Ends]) -> float:
    in_blank, in_digit = item[1]
    return -(in_blank + in_digit)


def _joined(values: list[Spelling], endings: list[Spelling], width: int) -> list[Spelling]:
    """The ``width`` most probable values with what the next section adds to each. All are best first."""
    least = HOPELESS * values[0][1] * endings[0][1]
    after: dict[str, float] = {}
    for ending, share in endings:
        for value, chance in values:
            if chance * share < least:
                break  # the values that follow are less probable still
            longer = value + ending
            after[longer] = after.get(longer, 0.0) + chance * share
    return sorted(after.items(), key=itemgetter(1), reverse=True)[:width]
