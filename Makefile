# The verbs of this project. Everything is installed into .venv by these targets; nothing else is needed but Python
# 3.11 or newer, and, for the tests of the HTML report, a Chromium.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := examples/hollow-creek

.PHONY: demo test test-full lint format docs install-demo install-test install-lint programs

demo: install-demo
	$(BIN)/recordscan demo --output-dir demo-report

test: install-test programs
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

# What takes too long for every day: the proof of each remedy, one fault at a time; and validators of other people that
# are heavy: Microsoft's for SARIF (npm, 100 MB), and compliance-trestle for OSCAL, which brings GitHub's Markdown parser
# along (in an environment of its own, for its own pydantic).
test-full: install-test $(VENV)/validators/installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m full tests/reports tests/e2e $(PYTEST_ARGS)

$(VENV)/validators/installed: Makefile
	@sh tests/install-programs.sh npm
	mkdir -p $(@D)
	npm install --prefix $(@D) --no-save --silent @microsoft/sarif-multitool-linux@5.7.0
	$(PYTHON) -m venv $(@D)/trestle
	$(@D)/trestle/bin/python -m pip install --quiet compliance-trestle==5.2.0
	touch $@

lint: install-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/lint-imports

format: install-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install-test
	$(BIN)/recordscan rules list --format markdown > rules/README.md.new
	mv rules/README.md.new rules/README.md
	$(BIN)/python docs/coverage.py
	$(BIN)/recordscan scan --snapshot $(EXAMPLE)/snapshot.jsonl.gz -f none \
		-o json=$(EXAMPLE)/result.json -o html=$(EXAMPLE)/report.html -o text=$(EXAMPLE)/report.txt || test $$? = 1
	chmod 644 $(EXAMPLE)/*

install-demo install-test install-lint: install-%: $(VENV)/installed-%

$(VENV)/installed-%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

programs:
	@sh tests/install-programs.sh
