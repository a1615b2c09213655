from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
COMPOSE = DOCKER / "compose.yaml"
NEEDED = {"POSTGRES_PASSWORD": "secret", "FORMDIGITS_FOLDER": "/srv/formdigits"}


def run(tool: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name(tool), *arguments]
    inherited = {name: value for name, value in os.environ.items() if name not in NEEDED}
    return subprocess.run(command, env={**inherited, **environment}, capture_output=True, text=True, check=False)


def test_the_dockerfile_is_clean() -> None:
    done = run("hadolint", DOCKER / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_compose_accepts_its_file() -> None:
    done = run("docker-compose", "--file", COMPOSE, "config", "--quiet", **NEEDED)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", NEEDED)
def test_compose_asks_for_what_has_no_sensible_default(missing: str) -> None:
    given = {name: value for name, value in NEEDED.items() if name != missing}
    done = run("docker-compose", "--file", COMPOSE, "config", "--quiet", **given)
    assert done.returncode != 0
    assert missing in done.stderr


def test_what_the_image_copies_is_not_ignored() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    kept = {line[1:].rstrip("/") for line in ignored if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"sample_scans", "tests", "bench"}
    assert packages <= kept
    copied = re.findall(r"^COPY (.+) /tmp/$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)[0].split()
    assert {*copied, "prefect.yaml", "pyproject.toml", "docker/deploy.sh"} <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_every_long_running_service_is_watched() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    once = {"migrate", "deploy"}
    # Prefect's background services open no port that could be asked.
    assert {name for name in services if "healthcheck" not in services[name]} == once | {"services"}


def test_what_runs_from_the_image_can_write_nowhere_in_it() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    ours = {name: service for name, service in services.items() if "formdigits" in str(service.get("image"))}
    assert {"server", "worker", "review"} <= set(ours)
    for name, service in ours.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
    assert re.findall(r"^USER (\d+)$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE) == ["10001"]


def test_every_port_is_open_to_this_machine_only() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"].values()
    assert all(port.startswith("127.0.0.1:") for service in services for port in service.get("ports", ()))
