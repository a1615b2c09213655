"""Kill -9 at random moments, then run again: ``python -m bench.faults --kills 200``.

Makes a folder of 300 small scans, reads it undisturbed, and then, kill by kill, into a new output folder each time:
starts the command, ends the flow's process, one of its reading processes or the Prefect server that records it at a
random moment, lets what is left come to its end, and runs the command again. The CSV files have to be those of the
undisturbed run, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.flows.drawn_scans import draw_digits

BUILD = Path(__file__).parents[1] / "build" / "bench" / "faults"
CSV = ("readings.csv", "records.csv")
END_S = 300.0  # a run that does not end by then counts as one that hangs
COMMAND = [sys.executable, "-m", "flows.cli", "digitize"]
READER = b"flows.batches.reading_process"


@dataclass(frozen=True, slots=True)
class Kill:
    """What is killed, and after which share of the undisturbed run's time."""

    what: str  # flow, worker or server
    moment: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: whether the disturbed run wrote its CSV all the same, and whether the second run's is right."""

    finished: bool
    same: bool


class Runs:
    """Runs of the command over the same scans."""

    def __init__(self, scans: Path):
        self.scans = scans
        self.seconds = 0.0
        self.right: tuple[bytes, ...] = ()

    def measure(self, **environment: str) -> None:
        """Run it undisturbed, once to warm up: its time, and its CSV."""
        for _ in range(2):
            self.complete(self.fresh(), **environment)
        self.right = self.written(BUILD / "out")

    def start(self, out: Path, **environment: str) -> subprocess.Popen[bytes]:
        flow = "--flow" if "PREFECT_API_URL" in environment else "--no-flow"
        options = ["--form", "digits", "--model", "seed-ann", "--string-model", "none", "--workers", "2", flow]
        command = [*COMMAND, str(self.scans), "--out", str(out), *options]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, env=os.environ | environment, stdout=quiet, stderr=quiet)

    def complete(self, out: Path, **environment: str) -> None:
        """Run it to its end; the next kill's moment is a share of the time of the last whole run."""
        started = time.monotonic()
        whole = not out.exists()
        code = self.start(out, **environment).wait(END_S)
        if code != 0:
            raise SystemExit(f"an undisturbed run ended with exit code {code}")
        if whole:
            self.seconds = time.monotonic() - started

    def disturbed(self, kill: Kill, server: Server | None) -> Outcome:
        """One kill, and the run after it."""
        out = self.fresh()
        environment = {"PREFECT_API_URL": server.url} if server else {}
        process = self.start(out, **environment)
        time.sleep(kill.moment * self.seconds)
        if kill.what == "flow":
            process.kill()
        elif kill.what == "worker":
            kill_a_reader(process)
        elif server:
            server.kill()
            server.start()  # as whatever keeps a site's server alive would
        process.wait(END_S)
        finished = self.written(out) == self.right
        self.complete(out, **environment)
        return Outcome(finished, self.written(out) == self.right)

    @staticmethod
    def fresh() -> Path:
        out = BUILD / "out"
        shutil.rmtree(out, ignore_errors=True)
        return out

    @staticmethod
    def written(out: Path) -> tuple[bytes, ...]:
        return tuple((out / name).read_bytes() for name in CSV if (out / name).exists())


def kill_a_reader(process: subprocess.Popen[bytes]) -> None:
    """Kill the first reading process of the run that there is, or will be; none if the run ends before."""
    while process.poll() is None:
        for reader in readers(process.pid):
            with suppress(ProcessLookupError):  # it has ended meanwhile: then the next one
                os.kill(reader, signal.SIGKILL)
                return
        time.sleep(0.01)


def readers(parent: int) -> Iterator[int]:
    """The reading processes that ``parent`` has started and that live."""
    for child in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in child.read_text().split():
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and READER in command.read_bytes():
                yield int(pid)


class Server:
    """A Prefect server of its own on loopback."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [Path(sys.executable).with_name("prefect"), "server", "start", "--port", str(self.port)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
        deadline = time.monotonic() + END_S
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
            else:
                return
        raise SystemExit("the Prefect server does not start")

    def kill(self) -> None:
        """Kill it with all of its processes."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def prefect_server() -> Iterator[Server]:
    """A server with a home of its own."""
    os.environ["PREFECT_HOME"] = str(BUILD / "prefect")
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.kill()


def kills(count: int, seed: int) -> list[Kill]:
    """Of 20 kills 11 hit the flow, 7 a worker and 2 the server, at moments up to a little after a run's usual end."""
    rng = random.Random(seed)
    servers, workers = count // 10, 7 * count // 20
    what = ["flow"] * (count - workers - servers) + ["worker"] * workers + ["server"] * servers
    rng.shuffle(what)
    return [Kill(name, rng.uniform(0.0, 1.05)) for name in what]


def carry_out(kill: Kill, plain: Runs, recorded: Runs) -> Outcome:
    """One kill; the Prefect server is there for those that hit it."""
    if kill.what != "server":
        return plain.disturbed(kill, None)
    with prefect_server() as server:
        if not recorded.right:
            recorded.measure(PREFECT_API_URL=server.url)
        return recorded.disturbed(kill, server)


def table(outcomes: Sequence[tuple[Kill, Outcome]]) -> Iterator[str]:
    """How often what was killed, how often that run wrote the right CSV all the same, and wrong ones in the end."""
    yield "| killed | times | right at once | wrong after the second run |"
    yield "|---|---:|---:|---:|"
    for what in ("flow", "worker", "server"):
        came = [outcome for kill, outcome in outcomes if kill.what == what]
        finished, wrong = sum(one.finished for one in came), sum(not one.same for one in came)
        yield f"| {what} | {len(came)} | {finished} | {wrong} |"


def main() -> None:
    """Kill, run again, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--kills", type=int, default=200, help="11 flows, 7 workers and 2 servers in 20")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    scans = BUILD / "scans"
    for number in range(options.pages):
        draw_digits(scans / f"d{number}.png", number)
    plain, recorded = Runs(scans), Runs(scans)
    plain.measure()
    print(f"An undisturbed run takes {plain.seconds:.1f} s", flush=True)
    outcomes = []
    for kill in kills(options.kills, options.seed):
        outcomes.append((kill, carry_out(kill, plain, recorded)))
        print(f"{len(outcomes)}: {kill} {outcomes[-1][1]}", file=sys.stderr, flush=True)
    print(*table(outcomes), sep="\n")
    raise SystemExit(0 if all(outcome.same for _, outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
