# The few commands. Everything they need they install themselves, into .venv: `demo` and `sim` only what Tenure
# needs, the others also what tests need. PYTHON=... names the Python to make .venv with.

VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
PACKAGED := pyproject.toml build_hooktool.py src/tenure/hooktool.c

# Minutes that one processor is busy with all tests, roughly
TESTS_TAKE := 40

.PHONY: demo test lint bench sim walk torture mutants clean

demo: $(RUN)
	@echo "the demo takes about ten seconds"
	$(BIN)/python examples/demo.py

# `auto` is two workers for each core (tests/conftest.py says why)
test: $(DEV)
	@$(BIN)/python -c 'import os; n = len(os.sched_getaffinity(0)); t = $(TESTS_TAKE); \
	print(f"all tests take about {max(5, t // n)} minutes on {n} processors; ARGS=tests/core runs some", flush=True)'
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=20 $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(DEV)
	$(BIN)/python -m bench

# make sim SEEDS=10000 [FIRST=n]: a range of worlds; make sim SEED=n: one, with its story
sim: $(RUN)
	$(BIN)/python -m tenure.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0))

# make walk [WORLDS='silence "full disk"']: small worlds, in all orders of events; or one of your own:
# make walk ARGS="--ticks 4 --drops 1 --elects 1"
walk: $(DEV)
	$(BIN)/python -m tests.walk $(WORLDS) $(ARGS)

# make torture MINUTES=n [SEED=n]: real processes, killed and starved
torture: $(DEV)
	$(BIN)/python -m tests.torture --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

# make mutants [ONLY='tenure.core.lease*']: small changes of the code that no test misses (docs/testing.md)
mutants: $(DEV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.8'
	nice $(BIN)/mutmut run $(ONLY)
	$(BIN)/mutmut results

$(RUN): $(PACKAGED)
	@PYTHON='$(PYTHON)' $(SHELL) tools/install $(VENV) run
	@touch $@

$(DEV): $(PACKAGED)
	@PYTHON='$(PYTHON)' $(SHELL) tools/install $(VENV) dev
	@touch $(RUN) $@

clean:
	rm -rf $(VENV) mutants build dist src/tenure/_hooktool .pytest_cache .mypy_cache .ruff_cache .hypothesis
