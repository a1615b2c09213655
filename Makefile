# Two commands do everything on a machine that has Python 3.11: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SEMEION ?= semeion.npz

.PHONY: demo test lint clean samples models

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "formdigits needs Python 3.11 to 3.13; this is " + sys.version.split()[0] + ". Say: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/ready
	$(BIN)/python -m sample_scans.demo

test: .venv/ready lint
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

samples: .venv/ready
	$(BIN)/python -m sample_scans.generate

# Some two hours: SEMEION is semeion.npz, or the folder of its images.
models: .venv/ready
	$(BIN)/formdigits train --architecture seed-ann
	$(BIN)/formdigits train --architecture cnn --data $(SEMEION):3 --epochs 18
	$(BIN)/formdigits train --architecture strings --data $(SEMEION):6
	$(BIN)/python -m sample_scans.trust

clean:
	rm -rf .venv build out
