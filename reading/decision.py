"""Accept or flag: what a person should look at, and why."""

from __future__ import annotations

from dataclasses import dataclass

from forms.template import Field
from preprocessing.page import CellState
from reading.combination import Values
from reading.readings import Reason
from reading.rules import is_in_range, matches_pattern

BLANK_CONFIDENCE = 0.99  # a field without ink reads as nothing; what may be wrong is that its ink was lost


POOR_CONTRAST = 0.12  # some 30 of 255 levels of grey: below it a pale pen and the paper's grain look alike


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one field beside the decoded values.

    ``states`` are its cells' states, left to right; ``ignored`` counts pieces of ordinary size on the best path that
    were taken for no digit; ``truncated`` says that the lattice was cut off; ``residual_share`` is the page's
    registration residual over what its form allows; ``readers_agree``: whether both readers of a free-hand field say
    the same, or the one that cuts is in doubt; ``rules``: reasons that the form's rules give (``reading.rules``);
    ``ink_beside``: whether something is written beside the cells of a comb; ``contrast`` in [-1, 1] how much darker the
    ink is than the paper, None where there is none.
    """

    states: tuple[CellState, ...]
    ignored: int
    truncated: bool
    residual_share: float
    readers_agree: bool = True
    rules: tuple[Reason, ...] = ()
    ink_beside: bool = False
    contrast: float | None = None


def decide(field: Field, values: Values, evidence: Evidence, threshold: float) -> tuple[str, float, tuple[Reason, ...]]:
    """The value to report, its confidence, and the reasons to flag it: none means accepted.

    A value with less confidence than ``threshold`` is flagged.
    """
    if not values or not values[0][0]:
        return _without_value(field, values, evidence)
    value, confidence = values[0]
    reasons = [*_value_reasons(field, value, evidence), *_image_reasons(evidence)]
    if not evidence.readers_agree:
        reasons.insert(0, Reason.READERS_DISAGREE)
    if confidence < threshold:
        reasons[:0] = [Reason.LOW_CONFIDENCE, *_reasons_of_doubt(evidence)]
    return value, confidence, tuple(reasons)


def _without_value(field: Field, values: Values, evidence: Evidence) -> tuple[str, float, tuple[Reason, ...]]:
    confidence = values[0][1] if values else BLANK_CONFIDENCE
    if CellState.STRUCK_OUT in evidence.states:
        return "", confidence, (Reason.STRUCK_OUT,)
    if evidence.ink_beside:
        return "", confidence, (Reason.INK_BESIDE,)
    if values:  # there is ink, and none of it is a digit
        return "", confidence, (Reason.NOT_A_DIGIT,)
    return "", confidence, (Reason.BLANK,) if field.required else ()


def _value_reasons(field: Field, value: str, evidence: Evidence) -> list[Reason]:
    reasons = []
    if not field.min_length <= len(value) <= field.max_length or _has_gap(evidence.states):
        reasons.append(Reason.WRONG_LENGTH)
    if not matches_pattern(field, value):
        reasons.append(Reason.PATTERN_MISMATCH)
    if not is_in_range(field, value):
        reasons.append(Reason.OUT_OF_RANGE)
    if CellState.STRUCK_OUT in evidence.states[_last_inked(evidence.states) :]:
        reasons.append(
            Reason.STRUCK_OUT
        )  # crosses before a number fill its empty cells; one behind it took a digit back
    if evidence.ignored:
        reasons.append(Reason.NOT_A_DIGIT)
    if evidence.ink_beside:
        reasons.append(Reason.INK_BESIDE)
    if evidence.truncated:
        reasons.append(Reason.TOUCHING_UNRESOLVED)
    return [*reasons, *evidence.rules]


def _has_gap(states: tuple[CellState, ...]) -> bool:
    """Whether an empty or struck-out cell stands between two cells with ink."""
    inked = [index for index, state in enumerate(states) if state is CellState.INK]
    return bool(inked) and inked[-1] - inked[0] + 1 > len(inked)


def _last_inked(states: tuple[CellState, ...]) -> int:
    return max((index for index, state in enumerate(states) if state is CellState.INK), default=0)


def _reasons_of_doubt(evidence: Evidence) -> list[Reason]:
    """What explains a doubt, and is no reason to flag what is sure."""
    return [Reason.POOR_IMAGE] if evidence.contrast is not None and evidence.contrast < POOR_CONTRAST else []


def _image_reasons(evidence: Evidence) -> list[Reason]:
    return [Reason.POOR_REGISTRATION] if evidence.residual_share > 0.8 else []
