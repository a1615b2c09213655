from __future__ import annotations

import os
from pathlib import Path

import pytest

import flows  # noqa: F401  # sets the defaults
from flows.environment import PREFECT_DEFAULTS, configured_api, set_prefect_defaults

PROFILES = """
active = "office"
[profiles.office]
PREFECT_API_URL = "http://office/api"
[profiles.bare]
"""


def test_importing_the_package_sets_the_defaults() -> None:
    assert set(PREFECT_DEFAULTS) <= set(os.environ)


def test_what_is_set_outside_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    set_prefect_defaults()
    assert os.environ["DO_NOT_TRACK"] == "0"


@pytest.mark.parametrize(
    ("environment", "profiles", "expected"),
    [
        ({}, None, None),
        ({}, PROFILES, "http://office/api"),
        ({"PREFECT_API_URL": "http://here/api"}, PROFILES, "http://here/api"),
        ({"PREFECT_PROFILE": "bare"}, PROFILES, None),
        ({"PREFECT_PROFILE": "unknown"}, PROFILES, None),
        ({}, "not = [toml", None),
    ],
)
def test_configured_api(
    environment: dict[str, str],
    profiles: str | None,
    expected: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PREFECT_PROFILE", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if profiles is not None:
        (tmp_path / "profiles.toml").write_text(profiles)
    assert configured_api() == expected
