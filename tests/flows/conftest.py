from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.settings import DigitizeJob
from tests.flows.drawn_scans import draw_digits, one_thread, settle


@pytest.fixture(autouse=True)
def _no_prefect_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The developer's own Prefect is none of these tests' business."""
    if not request.node.get_closest_marker("prefect"):
        monkeypatch.delenv("PREFECT_API_URL", raising=False)
        monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of 12 scans."""
    for number in range(12):
        draw_digits(tmp_path / "scans" / f"d{number}.png", number)
    return tmp_path / "scans"


@pytest.fixture(scope="session")
def many_scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 160 scans, a copy and a file that is no scan: several chunks. Not to be changed."""
    folder = tmp_path_factory.mktemp("many") / "scans"
    for number in range(160):
        draw_digits(folder / f"d{number}.png", number)
    draw_digits(folder / "x-copy.png", 3)
    (folder / "y-text.png").write_text("not an image")
    settle(folder / "y-text.png")
    return folder


@pytest.fixture(scope="session")
def undisturbed(many_scans: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The CSV files of ``many_scans``, read in one thread that nobody disturbed."""
    from flows.batches.digitizing import digitize

    out = tmp_path_factory.mktemp("undisturbed")
    digitize(one_thread(many_scans, out))
    return {name: (out / name).read_bytes() for name in ("readings.csv", "records.csv")}


@pytest.fixture
def job(scans: Path, tmp_path: Path) -> DigitizeJob:
    """Those scans, read by this process itself."""
    return one_thread(scans, tmp_path / "out")


@pytest.fixture
def start_command() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``formdigits`` as a process of its own, with chunks of 16 scans; what still runs at the end is killed."""
    processes: list[subprocess.Popen[str]] = []
    program = (
        "import flows.batches.unread_scans as u, flows.cli as c\nif __name__ == '__main__': u.MIN_CHUNK = 16; c.main()"
    )

    def start(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        env = {**os.environ, **environment}
        pipe = subprocess.PIPE
        processes.append(
            subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()
