# Ansim. `make demo` and `make test` need only Python >= 3.11 with pip, make and git.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := .stamps/venv
# More than the cores: browser and process tests mostly wait.
WORKERS ?= 3

# The path of an SOS: every branch of these has a test.
SOS_PATH := src/ansim/incidents/*,src/ansim/distribution/ladder.py,src/ansim/distribution/handover.py,src/ansim/distribution/worker.py,src/ansim/distribution/service.py

.PHONY: demo test check bench web docs soak clean

demo: $(READY) web
	@$(BIN)/ansim demo

test: $(READY) web
	@command -v chromium >/dev/null || { echo "Chromium is missing: the browser tests need it (Debian: apt install chromium)" >&2; test -z "$$CI"; }
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --cov --cov-report=
	$(BIN)/coverage report --skip-covered --fail-under=100 --include='$(SOS_PATH)'

check: $(READY) web
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/build_web.py --check
	$(BIN)/python tools/make_docs.py --check

bench: bench-spine bench-routing bench-cameras bench-contact bench-journeys

bench-%: $(READY) web
	$(BIN)/python -m bench.$*

web: $(READY)
	@$(BIN)/python tools/build_web.py

docs: $(READY)
	$(BIN)/python tools/make_docs.py

soak: $(READY) web
	$(BIN)/python -m bench.kill9 --count 100000

# The virtual environment, exactly as locked; made anew when the lock or the package's metadata changes.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p .stamps && touch $(READY)

clean:
	rm -rf $(VENV) .stamps .demo web/node_modules src/ansim/web/static
