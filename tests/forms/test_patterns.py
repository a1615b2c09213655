"""Patterns: can they match, and can they hold up a batch."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.patterns import PatternError, check_pattern

ATOMS = st.sampled_from([r"\d", "[0-4]", "7", ".", "x", "^", "$", "[^1]"])
COUNTS = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,40}"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, COUNTS).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)


def refusal(pattern: str, low: int, high: int) -> str:
    try:
        check_pattern(pattern, low, high)
    except PatternError as error:
        return str(error.args[0])
    return ""


@pytest.mark.parametrize(
    "pattern",
    [r"\d{7}", r"\d{6}(\d{2})?", r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d{4}", r"[1-9]\d*", r"^\d+$", r"(\d{2}){3,4}"],
)
def test_patterns_people_write_pass(pattern: str) -> None:
    assert not refusal(pattern, 6, 8)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(\d+)+", "very long"),
        (r"(\d|\d)*", "very long"),
        (r"(|1){1000000000}", "very long"),
        (r"(\d+)+x|1", "very long"),
        (r"\d*\d*\d*\d*\d*\d*", "very long"),
        (r"\d{5}", "never match a value of 6 to 8 digits"),
        (r"[a-z]{7}", "never match"),
        (r"((1)", "no regular expression"),
        (r"\d{99999999999}", "no regular expression"),
        (r"(?=1)\d{7}", "look-around"),
        (r"(\d)\1{6}", "back reference"),
    ],
)
def test_patterns_that_are_refused(pattern: str, words: str) -> None:
    assert words in refusal(pattern, 6, 8)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.text("0123456789", min_size=1, max_size=12))
def test_a_pattern_that_matches_a_value_is_never_said_to_match_none(pattern: str, value: str) -> None:
    assert not (re.fullmatch(pattern, value) and "never match" in refusal(pattern, len(value), len(value)))


@settings(max_examples=100, deadline=None)
@given(PATTERNS)
def test_a_pattern_that_passes_is_quick_on_every_value(pattern: str) -> None:
    if refusal(pattern, 1, 24):
        return
    start = time.process_time()
    for value in ("7" * 24, "1" * 23 + "9", "0123456789" * 2):
        re.fullmatch(pattern, value)
    assert time.process_time() - start < 1.0
