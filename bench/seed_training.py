"""How long the seed's net takes to 97.81 %: ``python -m bench.seed_training``, beside a plain ``model.fit``.

Both train the same layers on MNIST's 60,000 digits in this process, one after the other. The plain script is the one
that everybody writes: Adam as it comes, batches of 32, epoch after epoch until the test half is read well enough. This
project's recipe (``mnist_model.recipes``) is run with as few epochs as get there, its learning rate falling over them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import keras

from mnist_model.architectures import seed_ann
from mnist_model.datasets import Dataset, load_training_digits
from mnist_model.sampling import Labelled
from mnist_model.training import EpochReport, train

TARGET = 0.9781
MOST_EPOCHS = 40


def plain(dataset: Dataset, seed: int) -> tuple[float, int]:
    """Seconds and epochs of plain ``fit`` until the target, the looks at the test half not counted."""
    keras.utils.set_random_seed(seed)
    x, y = Labelled(dataset.x_train, dataset.y_train).arrays(10)
    seen = Labelled(dataset.x_test, dataset.y_test).arrays(10)
    model = seed_ann()
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    seconds = 0.0
    for epoch in range(1, MOST_EPOCHS + 1):
        started = time.perf_counter()
        model.fit(x, y, batch_size=32, epochs=1, verbose=0)
        seconds += time.perf_counter() - started
        if model.evaluate(*seen, batch_size=256, verbose=0)[1] >= TARGET:
            return seconds, epoch
    raise SystemExit(f"plain fit does not reach {TARGET:.2%} in {MOST_EPOCHS} epochs")


def recipe(dataset: Dataset, seed: int) -> tuple[float, int]:
    """Seconds of the shortest run of this project's recipe that reaches the target, and its epochs."""
    for epochs in range(2, MOST_EPOCHS + 1):
        ends: list[float] = []

        def note(_: EpochReport, ends: list[float] = ends) -> None:
            ends.append(time.perf_counter())

        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            bundle = train("seed-ann", dataset, Path(folder) / "seed-ann", seed=seed, epochs=epochs, progress=note)
        if bundle.card.test_accuracy >= TARGET:
            return ends[-1] - started, epochs
    raise SystemExit(f"the recipe does not reach {TARGET:.2%} in {MOST_EPOCHS} epochs")


def main() -> None:
    """Print both as a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.seed_training", description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", default=[], help="MNIST as .npz; by default it is fetched once")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each (default 3)")
    options = parser.parse_args()
    dataset = load_training_digits(options.data)
    print("| seed | plain fit, s | epochs | recipe, s | epochs | recipe / plain |")
    print("|---:|---:|---:|---:|---:|---:|")
    for seed in range(1, options.seeds + 1):
        slow, long = plain(dataset, seed)
        quick, short = recipe(dataset, seed)
        print(f"| {seed} | {slow:.1f} | {long} | {quick:.1f} | {short} | {quick / slow:.2f} |", flush=True)


if __name__ == "__main__":
    main()
