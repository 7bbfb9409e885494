# zoo: `make demo` shows everything it does, `make test` checks it. Both need Python 3.10 to 3.12 and nothing else.

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := $(VENV)/.ready-dev
PROJECTS := pyproject.toml $(wildcard plugins/*/pyproject.toml) constraints.txt

.PHONY: demo test check bench wheels clean help

help:
	@echo "make demo    set up, draw portraits, train MODNet on them, evaluate, benchmark, write demo/index.html"
	@echo "make test    run every test"
	@echo "make check   formatting, lint, types"
	@echo "make bench   pytest-benchmark suites"
	@echo "make wheels  build the distributions into dist/"

demo: $(READY)
	rm -rf demo/eval demo/bench demo/index.html
	@echo "== 1 of 5: drawing the demo set"
	$(BIN)/zoo data demo demo/data
	@echo "== 2 of 5: training MODNet"
	$(BIN)/zoo train modnet -c modnet-demo --data-root demo/data
	@echo "== 3 of 5: evaluating it on both test splits"
	$(BIN)/zoo eval modnet --output demo/eval
	@echo "== 4 of 5: timing it, from the bytes of a photo to those of its cut-out"
	$(BIN)/zoo bench throughput --models modnet --repeat 5 --output demo/bench
	@echo "== 5 of 5: comparing with the fresh network and with guessing, writing the page"
	$(BIN)/python benchmarks/demo_page.py demo
	@echo "open demo/index.html"

test: $(TOOLS)
	$(BIN)/python -m pytest

check: $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(TOOLS)
	$(BIN)/python -m pytest benchmarks --ignore=benchmarks/peers --benchmark-only
	$(BIN)/python -m pytest benchmarks/peers --benchmark-only --benchmark-json=benchmarks/results/peers.json
	$(BIN)/python benchmarks/table.py

wheels: $(TOOLS)
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist . $(dir $(wildcard plugins/*/pyproject.toml))
	@ls dist

clean:
	rm -rf $(VENV) demo dist build

$(READY): $(PROJECTS) setup.sh
	VENV="$(VENV)" PYTHON="$(PYTHON)" sh setup.sh
	@touch $@

# What only tests, checks and benchmarks need, PyTorch as a peer among it; a PyTorch that is there is kept.
$(TOOLS): $(PROJECTS) setup.sh
	VENV="$(VENV)" PYTHON="$(PYTHON)" EXTRAS=dev sh setup.sh
	@touch $(READY) $@
