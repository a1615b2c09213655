"""The environment that Prefect is given before it is imported, and whether a Prefect API is configured."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

PREFECT_DEFAULTS = {
    # No usage data leaves the machine, neither from the client nor from a server.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # The default of 20 s is too short where other processes keep the cores busy, and on the first start of all.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # A run has thousands of tasks: the flow's own lines are what people read.
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # What the plain functions log stands in the flow run's log too.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "flows",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # With the automation in flows/automations.yaml: runs of killed workers are marked as crashed after 90 s.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}


def set_prefect_defaults() -> None:
    """Set what is not set yet; whoever sets a variable outside has the last word."""
    for name, value in PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)


def configured_api() -> str | None:
    """The address of the Prefect API that is configured by environment or by the active profile, None without one.

    Read without importing Prefect, which takes 2 s.
    """
    return os.environ.get("PREFECT_API_URL") or _profile_setting("PREFECT_API_URL")


def _profile_setting(name: str) -> str | None:
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    path = Path(os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml")).expanduser()
    try:
        profiles = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no profiles, or a file that Prefect itself will complain about
        return None
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active")
    setting = profiles.get("profiles", {}).get(active, {}).get(name)
    return str(setting) if setting else None
