"""What a whole run costs beside the reading of its pages: ``python -m bench.run_costs workers|shares|start|memory``.

``workers``: the same pages by one process and by two, in turns. ``shares``: how much of a run is reading, and how much
hashing, ledger, CSV, report and Prefect. ``start``: one page from the command's start to its CSV, and what is loaded.
``memory``: peak memory of runs of more and more small pages. Scans are made in build/bench/runs. Meant for a machine
that does nothing else; CPU seconds are given beside those of the clock, for one that does.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.page_maker import make_form, make_pages
from bench.process_tree import Cost, measured
from sample_scans.pen import StrokeHand

RUNS = Path(__file__).parents[1] / "build" / "bench" / "runs"
DISTINCT = 12  # A4 pages that differ; more are copies with another byte at the end, so that none is a duplicate
LONG_AGO = 1_000_000_000  # seconds since 1970: a file that has just been written is left for the next run
SMALL_PX = (160, 40)
PACKAGES_SHOWN = 8
LOADED = {
    "flows.cli": "the command's options",
    "flows.batches.digitizing": "the run, with these",
    "flows.batches.page_reading": "the read path, in the process that reads",
}


def a4_pages(count: int) -> tuple[Path, Path]:
    """A form and a folder of ``count`` filled A4 pages, JPEG at 300 dpi."""
    form = make_form(RUNS / "form", by_marks=True)
    made = make_pages(RUNS / "originals", min(count, DISTINCT), by_marks=True)
    originals = [page.files["JPEG"].read_bytes() for page in made]
    return form, _folder(f"a4-{count}", count, ".jpg", lambda index: originals[index % len(originals)])


def small_pages(count: int) -> Path:
    """A folder of ``count`` images that are one number each."""
    rng = np.random.default_rng(1)
    hand = StrokeHand(rng)
    originals = [cv2.imencode(".png", _number(hand, rng))[1].tobytes() for _ in range(DISTINCT)]
    return _folder(f"small-{count}", count, ".png", lambda index: originals[index % DISTINCT])


def _number(hand: StrokeHand, rng: np.random.Generator) -> np.ndarray:
    width, height = SMALL_PX
    paper = np.full((height, width), 235.0)
    for index, digit in enumerate(rng.integers(0, 10, 5)):
        shape = hand.digit(int(digit), 24.0, rng)[: height - 8, :26]
        place = paper[6 : 6 + shape.shape[0], 8 + 28 * index : 8 + 28 * index + shape.shape[1]]
        place -= 190 * shape
    return (paper + rng.normal(0, 3, paper.shape)).clip(0, 255).astype(np.uint8)


def _folder(name: str, count: int, suffix: str, content: Callable[[int], bytes]) -> Path:
    """A folder of so many files, each with its number behind the end of the image."""
    folder = RUNS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for index in range(count):
        file = folder / f"{index:06}{suffix}"
        file.write_bytes(content(index) + index.to_bytes(4, "big"))
        os.utime(file, (LONG_AGO, LONG_AGO))
    return folder


def digitized(scans: Path, form: str, *options: str) -> Cost:
    """One run of the command into an empty folder; ends the benchmark where it does not read every page."""
    out = RUNS / "out"
    shutil.rmtree(out, ignore_errors=True)
    cost = measured(["digitize", str(scans), "--form", form, "--out", str(out), *options])
    if cost.code:
        raise SystemExit(f"formdigits digitize ended with exit code {cost.code}")
    return cost


def workers(options: argparse.Namespace) -> Iterator[str]:
    """Two processes over one."""
    form, scans = a4_pages(options.pages or 400)
    costs: dict[int, list[Cost]] = {1: [], 2: []}
    for _ in range(options.rounds):
        for count, taken in costs.items():
            taken.append(digitized(scans, str(form), "--workers", str(count), "--no-flow"))
    yield "| processes | s | CPU s | pages a second |"
    yield "|---:|---:|---:|---:|"
    pages = options.pages or 400
    walls = {count: statistics.median(cost.wall_s for cost in taken) for count, taken in costs.items()}
    for count, taken in costs.items():
        cpu_s = statistics.median(cost.cpu_s for cost in taken)
        yield f"| {count} | {walls[count]:.1f} | {cpu_s:.1f} | {pages / walls[count]:.1f} |"
    yield f"\n{pages} pages: two processes are {walls[1] / walls[2]:.2f} times as quick as one."


def shares(options: argparse.Namespace) -> Iterator[str]:
    """What of a recorded run, with one process that reads, is not reading."""
    from flows.flow_digitize import digitize_recorded
    from flows.local_api import prefect_api
    from flows.settings import DigitizeJob

    form, scans = a4_pages(options.pages or 1000)
    out = RUNS / "out"
    shutil.rmtree(out, ignore_errors=True)
    job = DigitizeJob(scans=str(scans), form=str(form), out=str(out), workers=1)
    seconds = _timed()
    with prefect_api(print):  # its start is no part of the run: a site has its server running
        started = time.perf_counter()
        digitize_recorded(job, lambda _: None, print)
        total = time.perf_counter() - started
    rest = total - sum(seconds.values())
    yield "| | s | share, % |"
    yield "|---|---:|---:|"
    for what, taken in {**seconds, "Prefect, hashing and the rest": rest, "whole run": total}.items():
        yield f"| {what} | {taken:.2f} | {100 * taken / total:.1f} |"
    yield f"\nNot reading: {100 * (1 - seconds['reading'] / total):.1f} % of {options.pages or 1000} pages."


def _timed() -> dict[str, float]:
    """Seconds by what was done, from now on: the methods of a run are wrapped in this process."""
    from flows.batches import digitizing
    from flows.batches.worker_pool import WorkerPool
    from ledger.ledger import Ledger

    seconds: dict[str, float] = defaultdict(float)
    _wrap(WorkerPool, "read", "reading", seconds)
    for method in ("record_chunk", "recorded", "open_batch"):
        _wrap(Ledger, method, "ledger", seconds)
    _wrap(Ledger, "export", "CSV", seconds)
    _wrap(digitizing, "write_report", "report", seconds)
    return seconds


def _wrap(owner: Any, name: str, what: str, seconds: dict[str, float]) -> None:
    original = getattr(owner, name)

    def timed(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return original(*arguments, **options)
        finally:
            seconds[what] += time.perf_counter() - started

    setattr(owner, name, timed)


def start(options: argparse.Namespace) -> Iterator[str]:
    """One page, from the command's start to its CSV."""
    form, scans = a4_pages(1)
    digitized(scans, str(form), "--workers", "1", "--no-flow")  # what is on the disk is in its cache from here on
    costs = [digitized(scans, str(form), "--workers", "1", "--no-flow") for _ in range(options.rounds)]
    yield "| | s |"
    yield "|---|---:|"
    yield f"| one page, start to CSV | {statistics.median(cost.wall_s for cost in costs):.2f} |"
    yield f"| CPU time of it, both processes | {statistics.median(cost.cpu_s for cost in costs):.2f} |"
    for module, what in LOADED.items():
        loads = _loads(module)
        largest = ", ".join(f"{name} {taken:.2f}" for name, taken in loads[:PACKAGES_SHOWN])
        yield f"| loading {what} | {sum(taken for _, taken in loads):.2f}: {largest} |"


def _loads(module: str) -> list[tuple[str, float]]:
    """Seconds that importing a module takes, by the package that the time is spent in, the most first."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {module}"], capture_output=True, check=True
    )
    seconds: dict[str, float] = defaultdict(float)
    for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", told.stderr.decode()):
        seconds[name.partition(".")[0]] += int(own) / 1e6
    return sorted(seconds.items(), key=lambda item: -item[1])


def memory(options: argparse.Namespace) -> Iterator[str]:
    """Peak memory by the number of pages."""
    yield "| pages | the run, MB | a process that reads, MB |"
    yield "|---:|---:|---:|"
    for count in options.counts:
        cost = digitized(small_pages(count), "digits", "--workers", "1", "--no-flow")
        yield f"| {count} | {cost.main_mb:.0f} | {cost.child_mb:.0f} |"


MEASURES = {"workers": workers, "shares": shares, "start": start, "memory": memory}


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.run_costs", description=__doc__.splitlines()[0])
    parser.add_argument("measure", choices=MEASURES)
    parser.add_argument("--pages", type=int, help="A4 pages of workers (400) and shares (1000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of workers and start (default 3)")
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 20000], help="pages of memory")
    options = parser.parse_args()
    for line in MEASURES[options.measure](options):
        print(line, flush=True)


if __name__ == "__main__":
    main()
