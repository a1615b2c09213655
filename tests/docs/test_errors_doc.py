"""docs/errors.md has an entry with something to do for every reason and exit code, and for nothing else."""

import re
from enum import Enum
from pathlib import Path

import pytest

from flows.errors import ExitCode
from preprocessing.page import ProblemReason
from reading.readings import Reason

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()


def entries(title: str) -> dict[str, str]:
    section = PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ")[0]
    headed = re.split(r"^### `([^`]+)`$", section, flags=re.MULTILINE)[1:]
    return {code: text.strip() for code, text in zip(headed[::2], headed[1::2], strict=True)}


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("Pages that could not be read", ProblemReason),
        ("Fields that a person should check", Reason),
        ("Exit codes", ExitCode),
    ],
)
def test_every_code_says_what_it_means_and_what_to_do(title: str, codes: type[Enum]) -> None:
    found = entries(title)
    assert sorted(found) == sorted(str(code.value) for code in codes)
    paragraphs = {code: len(text.split("\n\n")) for code, text in found.items()}
    assert {code for code, count in paragraphs.items() if count < (1 if codes is ExitCode else 2)} == set()


def test_there_are_no_other_entries() -> None:
    assert len(re.findall(r"^### ", PAGE, re.MULTILINE)) == len(ProblemReason) + len(Reason) + len(ExitCode)
    assert len(re.findall(r"^## ", PAGE, re.MULTILINE)) == 3
