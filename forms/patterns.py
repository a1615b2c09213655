r"""Patterns of values: can one match at all, and is it cheap to match on any value of the field's length.

Python's regular expressions backtrack, so a careless pattern (``(\d+)+``) could hold up a batch for years on one value.
The check walks the parsed pattern and counts the ways in which a string of digits can be consumed. Every path that the
matcher tries is one of them, so a bounded count bounds its time.
"""

from __future__ import annotations

import re
from re import _constants as op  # type: ignore[attr-defined]  # the parser is the only public-enough view of a pattern
from re import _parser  # type: ignore[attr-defined]
from typing import Any

MAX_DIGITS = 64  # of a value: longer strings of digits are several fields
MAX_PATHS = 20_000  # about 1 ms of matching


class PatternError(ValueError):
    """A pattern that cannot be used. ``args`` are the problem and the mend."""


def check_pattern(pattern: str, min_length: int, max_length: int) -> None:
    """Raise ``PatternError`` unless ``pattern`` can match values of that many digits, and any string of digits quickly.

    A pattern that passes may still match no value, where anchors inside it contradict each other.
    """
    try:
        re.compile(pattern)
        tree = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"is no regular expression ({error})", r"Write one like '\d{7}'") from None
    ways = _consume([1] + [0] * MAX_DIGITS, tree)
    if not any(ways[min_length : max_length + 1]):
        raise PatternError(
            f"can never match a value of {_lengths(min_length, max_length)}", "Make pattern and length agree"
        )


def _lengths(low: int, high: int) -> str:
    return f"{low} to {high} digits" if low != high else "1 digit" if low == 1 else f"{low} digits"


def _consume(ways: list[int], tree: Any) -> list[int]:
    """``ways[n]``: in how many ways n digits can have been consumed before ``tree``; returned for after it."""
    for kind, argument in tree:
        ways = _step(ways, kind, argument)
        if sum(ways) > MAX_PATHS:
            raise PatternError(
                "could take very long to match (a repetition inside a repetition, or too many choices)",
                r"Repeat single digits only, as in '\d{3}(\d{2})?'",
            )
    return ways


def _step(ways: list[int], kind: Any, argument: Any) -> list[int]:
    if kind in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
        return [0, *ways[:-1]] if _takes_a_digit(kind, argument) else [0] * len(ways)
    if kind is op.AT:
        return ways
    if kind is op.SUBPATTERN:
        return _consume(ways, argument[3])
    if kind is op.BRANCH:
        return [sum(ends) for ends in zip(*(_consume(ways, choice) for choice in argument[1]), strict=True)]
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        return _repeat(ways, *argument)
    raise PatternError(
        "uses a look-around, a back reference or another means that digits do not need",
        r"Write it with \d, [..], ( ), | and counts such as {3}",
    )


def _takes_a_digit(kind: Any, argument: Any) -> bool:
    atom = _parser.SubPattern(_parser.State(), [(kind, argument)])
    return any(re._compiler.compile(atom).fullmatch(digit) for digit in "0123456789")  # type: ignore[attr-defined]


def _repeat(ways: list[int], low: int, high: int, body: Any) -> list[int]:
    for _ in range(low):
        before, ways = ways, _consume(ways, body)
        if ways == before:  # the body consumed nothing, or nothing is left to consume
            break
    total = turn = ways
    for _ in range(high - low):
        before, turn = turn, _consume(turn, body)
        if turn == before:
            break
        total = [sum(ends) for ends in zip(total, turn, strict=True)]
        if sum(total) > MAX_PATHS:
            break  # _consume, the caller, refuses it
    return total
