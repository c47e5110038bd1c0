# make demo, make test: each sets up all it needs in .venv on a Debian with Python 3.11, git, make.

PYTHON ?= python3
BIN := .venv/bin
export TF_CPP_MIN_LOG_LEVEL := 3

.PHONY: demo test fast slow lint bench exact simulate clean

demo: .venv/ready
	rm -rf demo
	$(BIN)/ninefold demo demo

test: lint fast slow

fast: .venv/ready
	$(BIN)/python -m pytest -m "not slow" -n 2

slow: .venv/ready
	$(BIN)/python -m pytest -m slow -n 2 --dist worksteal

lint: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# make bench ARGS="--only plain --json bench.json"; what it can be asked for: make bench ARGS=--help
bench: .venv/ready
	$(BIN)/python tests/bench/bench.py $(ARGS)

# make exact ARGS="--only layer --named Conv"; what it can be asked for: make exact ARGS=--help
exact: .venv/ready
	$(BIN)/python tests/exact/exact.py $(ARGS)

# make simulate ARGS="--only skill --share 0.2"; what it can be asked for: make simulate ARGS=--help
simulate: .venv/ready
	$(BIN)/python tests/simulate/simulate.py $(ARGS)

# Once for each state of pyproject.toml. Debian keeps venv in a package of its own.
.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv || (apt-get update && apt-get install -y python3-venv && $(PYTHON) -m venv .venv)
	$(BIN)/python -m pip install --quiet --editable '.[tensorflow,dev]'
	touch $@

clean:
	rm -rf .venv demo .pytest_cache .ruff_cache .mypy_cache
