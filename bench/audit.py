"""How soon the blind audit stops a site whose error is too high, and how often one that keeps its rate.

    python -m bench.audit [--sites 500] [--answers 3000]

Simulated sites: accepted fields are wrong independently at a true rate, people's answers come one by one, and the bound
is looked at after each.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from bench.figures import share
from reading.realised_error import RealisedError

RATES = {0.01: (0.005, 0.01, 0.02, 0.03, 0.05, 0.1), 0.005: (0.0025, 0.005, 0.01, 0.02)}


def main() -> None:
    """Print a row for each rate asked for and true rate."""
    parser = argparse.ArgumentParser(prog="bench.audit", description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, default=500)
    parser.add_argument("--answers", type=int, default=3000, help="of each site, at most")
    options = parser.parse_args()
    print(f"{options.sites} sites, up to {options.answers} answers each\n")
    print("| asked for, % | true error, % | stopped, % [95 %] | answers until then, median |\n|---|---|---|---|")
    for asked, true_rates in RATES.items():
        for true_rate in true_rates:
            stops = stopping_times(true_rate, asked, options.sites, options.answers)
            print(f"| {100 * asked:g} | {100 * true_rate:g} | {share(len(stops), options.sites)} | {_median(stops)} |")


def stopping_times(true_rate: float, asked: float, sites: int, answers: int) -> list[int]:
    """For each site that is stopped, the number of answers until then."""
    wrong = np.random.default_rng(0).random((sites, answers)) < true_rate
    times = (_stopping_time(np.flatnonzero(site), asked) for site in wrong)
    return [time for time in times if time is not None]


def _stopping_time(wrong_at: np.ndarray, asked: float) -> int | None:
    """The bound rises only with an error, so that nothing is missed between them."""
    for count, place in enumerate(wrong_at.tolist(), 1):
        if RealisedError(count, place + 1).exceeds(asked):
            return int(place) + 1
    return None


def _median(times: Sequence[int]) -> str:
    return f"{np.median(times):.0f}" if times else "-"


if __name__ == "__main__":
    main()
