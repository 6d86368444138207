# The verbs of this project. Everything is installed into .venv by these targets; nothing else is needed but Python
# 3.11 or newer, and, for the tests of the HTML report, a Chromium.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := examples/hollow-creek
LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: demo test test-full lint audit format docs lock dist install-demo install-dev programs

demo: install-demo
	$(BIN)/recordscan demo --output-dir demo-report

test: install-dev programs
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

# What takes too long for every day: the proof of each remedy, by the script of a plan that mends it in an emulated
# account; and validators of other people that are heavy: Microsoft's for SARIF (npm, 100 MB), and compliance-trestle for
# OSCAL, which brings GitHub's Markdown parser along (in an environment of its own, for its own pydantic).
test-full: install-dev $(VENV)/validators/installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m full tests/reports tests/e2e $(PYTEST_ARGS)

$(VENV)/validators/installed: Makefile
	@sh tests/install-programs.sh npm java
	mkdir -p $(@D)
	npm install --prefix $(@D) --no-save --silent @microsoft/sarif-multitool-linux@5.7.0 \
		axe-core@4.14.1 html-validate@10.17.0 vnu-jar@26.9.27
	$(PYTHON) -m venv $(@D)/trestle
	$(@D)/trestle/bin/python -m pip install --quiet compliance-trestle==5.2.0
	touch $@

lint: install-dev audit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/lint-imports

# Known vulnerabilities of what is locked. Where the index tells nothing about a package, that is said and does not fail.
audit: install-dev
	$(BIN)/pip-audit --progress-spinner off --disable-pip --require-hashes -r requirements/dev.lock

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install-dev
	$(BIN)/recordscan rules list --format markdown > rules/README.md.new
	mv rules/README.md.new rules/README.md
	$(BIN)/python docs/coverage.py
	$(BIN)/python docs/commands.py
	$(BIN)/recordscan scan --snapshot $(EXAMPLE)/snapshot.jsonl.gz -f none \
		-o json=$(EXAMPLE)/result.json -o html=$(EXAMPLE)/report.html -o text=$(EXAMPLE)/report.txt || test $$? = 1
	chmod 644 $(EXAMPLE)/*

# What users get: the newest releases that pyproject.toml allows.
install-demo: $(VENV)/installed-demo

$(VENV)/installed-demo: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	touch $@

# What tests and lint run with: exactly what is locked, hash by hash.
install-dev: $(VENV)/installed-dev

$(VENV)/installed-dev: pyproject.toml requirements/dev.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# Locks the newest releases anew, for all Pythons and systems that are supported.
lock:
	test -x $(VENV)/uv/bin/uv || { $(PYTHON) -m venv $(VENV)/uv && $(VENV)/uv/bin/python -m pip install --quiet uv; }
	$(VENV)/uv/bin/uv pip compile pyproject.toml $(LOCK) --output-file requirements/runtime.lock
	$(VENV)/uv/bin/uv pip compile pyproject.toml $(LOCK) --all-extras --output-file requirements/dev.lock

# What is released: wheel and source distribution, and what it is made of, as CycloneDX.
dist: install-dev
	rm -rf dist
	$(BIN)/hatchling build
	$(PYTHON) -m venv build/released
	build/released/bin/python -m pip install --quiet --require-hashes --requirement requirements/runtime.lock
	build/released/bin/python -m pip install --quiet --no-deps dist/*.whl
	$(BIN)/cyclonedx-py environment build/released/bin/python --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-file build/recordscan.cdx.json

programs:
	@sh tests/install-programs.sh zsh fish
