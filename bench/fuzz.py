"""Mutated files of every kind: ``python -m bench.fuzz --files 10000``.

Scans (PNG, JPEG, TIFF, PDF) are read by the command itself: it has to end by itself, and each file has to have its row.
form.toml, model bundles and corrected CSV files are loaded one by one in a process of their own, which the kernel ends
if one of them takes too long: each has to be taken, or refused in the software's own words. Nothing may be written
beside the output folder.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.mutation import images, mutated, mutated_text
from flows.batches.page_bounds import PageBounds, end_process_after, hold_memory
from tests.flows.drawn_scans import MODEL, settle

BUILD = Path(__file__).parents[1] / "build" / "bench" / "fuzz"
SHARES = {"scans": 0.6, "forms": 0.2, "bundles": 0.1, "csv": 0.1}
SAMPLES = Path(__file__).parents[1] / "sample_scans"
FILE_S = 20.0
END_S = 4 * 3600


def fuzz_scans(folder: Path, count: int, seed: int) -> Counter[str]:
    """Read ``count`` mutated scans with the command; how many came to what."""
    write_scans(folder / "in" / "scans", count, seed)
    before = tree(folder / "in")
    options = ["--form", "digits", "--model", MODEL, "--out", folder / "out", "--page-seconds", FILE_S, "--no-flow"]
    command = [sys.executable, "-m", "flows.cli", "digitize", folder / "in" / "scans", *options]
    temporary = folder / "in" / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        list(map(str, command)),
        env=os.environ | {"TMPDIR": str(temporary)},
        cwd=folder / "in",
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )
    if done.returncode not in (0, 3):
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    if tree(folder / "in") != before:
        raise AssertionError("something was written beside the output folder")
    return accounted(folder / "out" / "readings.csv", {path.name for path in (folder / "in" / "scans").iterdir()})


def write_scans(folder: Path, count: int, seed: int) -> None:
    """Mutated scans, numbered."""
    folder.mkdir(parents=True)
    rng, seeds = random.Random(seed), sorted(images().items())
    for number in range(count):
        name, data = seeds[number % len(seeds)]
        file = folder / f"{number:05d}-{name}"
        file.write_bytes(mutated(data, rng))
        settle(file)


def accounted(readings: Path, names: set[str]) -> Counter[str]:
    """What became of each file, from the CSV; every one of them has to be there."""
    with readings.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = names - {row["scan"] for row in rows} - {name for row in rows for name in names_in(row["detail"])}
    if missing:
        raise AssertionError(f"no row for {sorted(missing)[:5]} and {len(missing)} in all")
    return Counter("read" if row["field"] else row["reasons"] for row in rows)


def names_in(detail: str) -> list[str]:
    """The files that a row speaks of."""
    return detail.replace(",", " ").replace(":", " ").split()


def tree(folder: Path) -> dict[str, str]:
    """The files below a folder by the digest of their content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def fuzz_forms(folder: Path, count: int, seed: int) -> Counter[str]:
    """Load mutated form files, each beside its blank."""
    from forms.errors import FormError
    from forms.form_file import load_forms

    rng, counted = random.Random(seed), Counter[str]()
    for name in (SAMPLES / kind for kind in ("envelope", "patient", "stock")):
        shutil.copytree(name, folder / name.name, ignore=shutil.ignore_patterns("scans"))
    forms = sorted(folder.glob("*/form.toml"))
    texts = {form: form.read_text() for form in forms}
    for form in (forms[number % len(forms)] for number in range(count)):
        form.write_bytes(mutated_text(texts[form], rng))
        counted[_within(lambda form=form: load_forms(str(form)), FormError)] += 1
    return counted


def fuzz_bundles(folder: Path, count: int, seed: int) -> Counter[str]:
    """Load mutated model bundles, half of them with a card that vouches for the mutated model."""
    from mnist_model.bundle import CARD_FILE, SHIPPED, ModelError
    from mnist_model.classifier import load_classifier

    rng, counted = random.Random(seed), Counter[str]()
    bundle = shutil.copytree(SHIPPED / MODEL, folder / "bundle")
    card, model = (bundle / CARD_FILE).read_text(), (bundle / "model.tflite").read_bytes()
    for number in range(count):
        changed = model if number % 3 == 0 else mutated(model, rng)
        (bundle / "model.tflite").write_bytes(changed)
        stated = json.loads(card)
        if number % 3 == 1:
            stated["files"]["model.tflite"] = hashlib.sha256(changed).hexdigest()
        text = json.dumps(stated, indent=2)
        (bundle / CARD_FILE).write_bytes(mutated_text(text, rng) if number % 3 == 0 else text.encode())
        counted[_within(lambda: load_classifier(str(bundle)), ModelError)] += 1
    return counted


def fuzz_csv(folder: Path, count: int, seed: int) -> Counter[str]:
    """Import mutated CSV files that people corrected."""
    from flows.batches.digitizing import digitize
    from flows.errors import JobError
    from flows.reviewing.correcting import import_answers
    from tests.flows.drawn_scans import draw_digits, one_thread

    rng, counted = random.Random(seed), Counter[str]()
    for number in range(12):
        draw_digits(folder / "scans" / f"d{number}.png", number)
    job = one_thread(folder / "scans", folder / "out")
    text = digitize(job).readings_csv.read_text(encoding="utf-8-sig").replace(",,", ",42,")
    for _ in range(count):
        file = folder / "corrected.csv"
        file.write_bytes(mutated_text(text, rng))
        counted[_within(lambda: import_answers(file, job.ledger_url), JobError)] += 1  # noqa: B023
    return counted


def _within(work: Callable[[], object], refusal: type[Exception]) -> str:
    """Do the work; the kernel ends this process if it takes too long."""
    end_process_after(FILE_S)
    try:
        work()
    except refusal:
        return "refused"
    finally:
        end_process_after(0)
    return "taken"


PARTS: dict[str, Callable[[Path, int, int], Counter[str]]] = {
    "scans": fuzz_scans,
    "forms": fuzz_forms,
    "bundles": fuzz_bundles,
    "csv": fuzz_csv,
}


def fuzz(part: str, folder: Path, count: int, seed: int) -> Counter[str]:
    """One part in a process of its own."""
    command = [sys.executable, "-m", "bench.fuzz", "--part", part, "--files", str(count), "--seed", str(seed)]
    done = subprocess.run([*command, "--folder", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{part}: exit code {done.returncode}\n{done.stderr[-3000:]}")
    return Counter(json.loads(done.stdout))


def table(files: int, seed: int) -> Iterator[str]:
    """All parts, a row each."""
    yield "| files | how many | minutes | what became of them |\n|---|---:|---:|---|"
    for part, share in SHARES.items():
        started = time.monotonic()
        counted = fuzz(part, BUILD / part, round(share * files), seed)
        became = ", ".join(f"{count} {what}" for what, count in counted.most_common())
        yield f"| {part} | {round(share * files)} | {(time.monotonic() - started) / 60:.1f} | {became} |"


def main() -> None:
    """Fuzz all parts, or one of them in this process."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.part:
        options.folder.mkdir(parents=True, exist_ok=True)
        if options.part != "scans":
            hold_memory(PageBounds())
        print(json.dumps(PARTS[options.part](options.folder, options.files, options.seed)))
        return
    shutil.rmtree(BUILD, ignore_errors=True)
    for line in table(options.files, options.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
