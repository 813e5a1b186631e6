# The few commands. Everything they need they install themselves, into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench sim walk torture clean

demo: $(STAMP)
	$(BIN)/python examples/demo.py

# `auto` is two workers for each core (tests/conftest.py says why)
test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=20 $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m bench

# make sim SEEDS=10000 [FIRST=n]: a range of worlds; make sim SEED=n: one, with its story
sim: $(STAMP)
	$(BIN)/python -m tenure.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0))

# make walk [WORLDS='silence "full disk"']: small worlds, in all orders of events; or one of your own:
# make walk ARGS="--ticks 4 --drops 1 --elects 1"
walk: $(STAMP)
	$(BIN)/python -m tests.walk $(WORLDS) $(ARGS)

# make torture MINUTES=n [SEED=n]: real processes, killed and starved
torture: $(STAMP)
	$(BIN)/python -m tests.torture --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

$(STAMP): pyproject.toml build_hooktool.py src/tenure/hooktool.c
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist src/tenure/_hooktool .pytest_cache .mypy_cache .ruff_cache .hypothesis
