"""What corrections teach: fields of real sets as a site would have corrected them, learned from in growing numbers.

    FORMDIGITS_DATA=DIR python -m bench.learning [orand_car_a | meza] [--counts 100 400 all] [--poison NAME] [--out DIR]

A set is split in two by the hash of its pages. The fields of one part are corrections with their truth as the answer;
the other part is never seen, neither by training nor by the gate, which holds out some of the corrections for itself.
Each count starts from the nets that ship and takes the first so many corrections. ``--poison`` makes answers wrong:
``third`` 30 % of them, at random; ``confused`` the answers of one reviewer of four, who takes 1 for 7, 4 for 9, 5 for
6 and the other way round; ``alone`` the same, and there is no other reviewer.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.data import SETS, DataSet
from bench.figures import share
from flows.learning.candidate import Current, Nets, load_nets
from flows.learning.lessons import Learned, LearningStep, LearnSettings, learn
from mnist_model.bundle import find_bundle
from mnist_model.strings.bundle import find_string_bundle
from preprocessing.page import PageProblem
from reading.compared import Compared
from reading.gate import Tally, mcnemar
from reading.lessons import LearningError, Lesson, read_lessons
from reading.pipeline import prepare_page, readers_of

UNSEEN = {"orand_car_a": 0.265, "meza": 0.31}  # the share that is never seen: about 600 and 4,000 corrections are left
CONFUSED = str.maketrans("174956", "719465")
WRONG_SHARE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One count of corrections, and what came of it; ``refused`` where nothing could be learned.

    ``cpu_s`` is the time that all cores spent on learning, ``seconds`` what passed meanwhile.
    """

    asked: int
    learned: Learned | None
    refused: str
    compared: tuple[Compared, ...]
    poisoned: frozenset[str]
    seconds: float
    cpu_s: float


def main() -> int:
    """Measure and print the table; exit code 2 where there is no data."""
    options = _options()
    data = os.environ.get("FORMDIGITS_DATA")
    if not data or not Path(data).is_dir():
        print("bench.learning: set FORMDIGITS_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    current = Current(find_bundle("cnn"), find_string_bundle("strings"))
    nets = load_nets(current)
    lessons = lessons_of(SETS[options.set](Path(data), options.build))
    first = sum(_place(lesson) < UNSEEN[options.set] for lesson in lessons)
    unseen, (corrections, wrong) = lessons[:first], POISONS[options.poison](lessons[first:])
    print(f"{options.set}: {len(corrections)} corrections, answers {options.poison}; {len(unseen)} never seen")
    print(f"before: {readers_of(*nets)}", flush=True)
    settings = LearnSettings(rounds=options.rounds, epochs=options.epochs, seed=options.seed)
    for count in options.counts:
        out = options.out / f"{options.set}_{options.poison}_{count}"
        out.mkdir(parents=True)
        chosen = corrections if count == "all" else corrections[: int(count)]
        run = learn_from(chosen, unseen, nets, current, out, settings, wrong)
        print("\n".join(described(run)), flush=True)
    return 0


def lessons_of(data_set: DataSet) -> tuple[Lesson, ...]:
    """Every field of a set as a correction, in the order of its pages' hashes, answered by four reviewers in turn."""
    found = []
    for sample in data_set.samples:
        page = prepare_page(sample.page, data_set.forms)
        if not isinstance(page, PageProblem):
            for prepared in page.fields:
                truth = sample.truth[prepared.field.name]
                found.append(Lesson(page.scan, page.form, prepared, truth, "", page.sha256 or page.scan))
    found.sort(key=_place)
    return tuple(replace(lesson, reviewer=f"reviewer {number % 4}") for number, lesson in enumerate(found))


def _place(lesson: Lesson) -> float:
    """In [0, 1), by the page; salted, for the gate splits by a hash of the page too."""
    return int(hashlib.sha256(f"bench {lesson.page}".encode()).hexdigest()[:8], 16) / 16**8


def learn_from(
    corrections: Sequence[Lesson],
    unseen: Sequence[Lesson],
    nets: Nets,
    current: Current,
    out: Path,
    settings: LearnSettings,
    wrong: frozenset[str],
) -> Run:
    """Learn, and read what was never seen before and after."""
    before = read_lessons(unseen, *nets)
    began, spent = time.monotonic(), time.process_time()
    learned, refused, after = None, "", before
    try:
        learned = learn(corrections, current, out, settings, _log)
    except LearningError as error:
        refused = str(error)
    took = time.monotonic() - began, time.process_time() - spent
    if learned is not None:
        after = read_lessons(unseen, *load_nets(Current(out / "cnn", out / "strings")))
    compared = tuple(Compared(*each) for each in zip(unseen, before, after, strict=True))
    return Run(len(corrections), learned, refused, compared, wrong, *took)


def described(run: Run) -> list[str]:
    """What a run comes to, in lines."""
    tally = Tally.of(one.paired for one in run.compared)
    lines = [
        f"\n## {run.asked} corrections",
        f"never seen: before {share(tally.before, tally.count)}, after {share(tally.after, tally.count)}, "
        f"{tally.gained} gained, {tally.lost} lost, p = {mcnemar(tally.gained, tally.lost):.2g}",
        f"took {run.seconds:.0f} s, and {run.cpu_s:.0f} s of all cores together",
    ]
    if run.learned is None:
        return [*lines, f"refused: {run.refused}"]
    aside = run.learned.suspects.keys
    caught = len(aside & run.poisoned)
    lines += [
        f"trained on {run.learned.trained}, judged on {run.learned.held_out}, set aside {len(aside)}, {caught} of them "
        f"wrong; reviewers not believed: {', '.join(run.learned.suspects.reviewers) or 'none'}",
        f"verdict: {'promoted' if run.learned.verdict.promote else 'refused'}",
        *(f"  {'passed' if check.passed else 'FAILED'}  {check.sentence}" for check in run.learned.verdict.checks),
    ]
    return lines


def _as_they_are(lessons: Sequence[Lesson]) -> tuple[tuple[Lesson, ...], frozenset[str]]:
    return tuple(lessons), frozenset()


def _third_wrong(lessons: Sequence[Lesson]) -> tuple[tuple[Lesson, ...], frozenset[str]]:
    """One digit of three answers in ten is another, is lost or comes twice."""
    rng = np.random.default_rng(1)
    wrong = rng.random(len(lessons)) < WRONG_SHARE
    answers = [_mistyped(one.value, rng) if slip else one.value for one, slip in zip(lessons, wrong, strict=True)]
    return _changed(lessons, answers)


def _confused(lessons: Sequence[Lesson]) -> tuple[tuple[Lesson, ...], frozenset[str]]:
    answers = [each.value.translate(CONFUSED) if each.reviewer[-1] == "0" else each.value for each in lessons]
    return _changed(lessons, answers)


def _alone(lessons: Sequence[Lesson]) -> tuple[tuple[Lesson, ...], frozenset[str]]:
    alone = [replace(lesson, reviewer="reviewer 0") for lesson in lessons]
    return _confused(alone)


POISONS = {"none": _as_they_are, "third": _third_wrong, "confused": _confused, "alone": _alone}


def _changed(lessons: Sequence[Lesson], answers: Sequence[str]) -> tuple[tuple[Lesson, ...], frozenset[str]]:
    """The lessons with these answers, and the keys of those that are wrong now."""
    said = tuple(replace(lesson, value=answer) for lesson, answer in zip(lessons, answers, strict=True))
    return said, frozenset(new.key for new, old in zip(said, lessons, strict=True) if new.value != old.value)


def _mistyped(value: str, rng: np.random.Generator) -> str:
    place, kind = int(rng.integers(len(value))), rng.random()
    if kind < 0.6 or len(value) == 1:
        other = str((int(value[place]) + int(rng.integers(1, 10))) % 10)
        return value[:place] + other + value[place + 1 :]
    return value[:place] + value[place + 1 :] if kind < 0.8 else value[:place] + value[place] + value[place:]


def _log(step: LearningStep) -> None:
    now = time.strftime("%H:%M:%S")
    print(f"{now} {step.done}/{step.total} {step.stage}: {step.line}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.learning", description=__doc__.splitlines()[0])
    parser.add_argument("set", nargs="?", default="orand_car_a", choices=UNSEEN)
    parser.add_argument("--counts", nargs="+", default=["100", "400", "all"], help="how many corrections, or all")
    parser.add_argument("--poison", default="none", choices=POISONS, help="which answers are made wrong")
    parser.add_argument("--rounds", type=int, default=LearnSettings().rounds, help="of the string reader")
    parser.add_argument("--epochs", type=int, default=LearnSettings().epochs, help="of the digit net")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/bench/learning"), help="where candidates go")
    parser.add_argument("--build", type=Path, default=Path("build/bench"), help="where blanks go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
