"""Which calibration a run uses, and what it does without one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from flows.errors import JobError
from flows.learning.trusting import find_trust, policy_of
from forms.form_file import load_forms
from forms.template import FieldKind
from mnist_model.bundle import SHIPPED, find_bundle, read_bundle
from mnist_model.strings.bundle import find_string_bundle, read_string_bundle
from reading.calibration import Calibration
from reading.policy import MIN_CONFIDENCE
from reading.trust import TRUST_FILE, Trust, TrustGroup, write_trust

READERS = "seed-ann 1"
ROWS = tuple((round(0.99 - 0.0001 * n, 4), 1, 0) for n in range(2000))


def made(file: Path, readers: str = READERS) -> Trust:
    groups = [TrustGroup(None, kind, "checked fields", 2000, ROWS) for kind in FieldKind]
    return write_trust(file, "2026-01-31", readers, dict.fromkeys(FieldKind, Calibration(0.0, {})), groups)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED / "seed-ann", tmp_path / "bundle", ignore=shutil.ignore_patterns(TRUST_FILE)))


def test_a_calibration_lies_beside_its_model(bundle: Path) -> None:
    assert find_trust(None, str(bundle), None, READERS) is None
    trust = made(bundle / TRUST_FILE)
    found = find_trust("", str(bundle), None, READERS)
    assert found is not None
    assert found.name == trust.name


def test_the_calibration_of_another_version_is_not_used(bundle: Path) -> None:
    made(bundle / TRUST_FILE, "seed-ann 0")
    assert find_trust(None, str(bundle), None, READERS) is None


def test_a_named_calibration_must_fit(bundle: Path, tmp_path: Path) -> None:
    made(tmp_path / "site.json", "seed-ann 0")
    with pytest.raises(JobError, match="of seed-ann 0, not of seed-ann 1"):
        find_trust(str(tmp_path / "site.json"), str(bundle), None, READERS)
    with pytest.raises(JobError, match="cannot be read"):
        find_trust(str(tmp_path / "none.json"), str(bundle), None, READERS)


def test_an_error_rate_needs_a_calibration() -> None:
    forms = load_forms("digits")
    assert policy_of(forms, None).min_confidence == MIN_CONFIDENCE
    assert policy_of(forms, None, min_confidence=0.3).min_confidence == 0.3
    with pytest.raises(JobError, match="no calibration"):
        policy_of(forms, None, max_error=0.01)
    strict = replace(forms[0], fields=(replace(forms[0].fields[0], max_error=0.01),))
    with pytest.raises(JobError, match="no calibration"):
        policy_of((strict,), None)


def test_a_calibration_keeps_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    forms, trust = load_forms("digits"), made(tmp_path / "trust.json")
    unasked = policy_of(forms, trust)
    assert (unasked.promises, unasked.min_confidence) == ({}, MIN_CONFIDENCE)
    assert [p.max_error for p in policy_of(forms, trust, max_error=0.2).promises.values()] == [0.2]
    by_confidence = policy_of(forms, trust, min_confidence=0.7)
    assert (by_confidence.promises, by_confidence.min_confidence) == ({}, 0.7)


def test_the_shipped_calibration_is_of_the_shipped_models() -> None:
    """Where this fails a model was trained again: python -m sample_scans.trust."""
    strings = find_string_bundle("strings")
    readers = f"{read_bundle(find_bundle('cnn')).name} + {read_string_bundle(strings).name}"
    trust = find_trust(str(strings / TRUST_FILE), "cnn", "strings", readers)
    assert trust is not None
    for kind in FieldKind:
        assert trust.promise("any", kind, 0.05).accepted
