# The two commands of the README, and a handful more. Each does its own set-up.
PYTHON ?= python3
.DEFAULT_GOAL := help

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: ## the virtual environment in .venv, with locked dependencies, and SQLite where no DATABASE_URL says otherwise
	@$(PYTHON) .ci/install.py && { [ -n "$$DATABASE_URL" ] || .venv/bin/python manage.py migrate -v0; }

demo: install ## the whole product with a pretend Klaviyo, on this machine alone
	@.venv/bin/python manage.py demo

demo-reset: install ## forget the demo's data and start it over
	@.venv/bin/python manage.py demo --reset

test: install ## everything that is tested: unit, contract, access, imports, browser
	@.venv/bin/python .ci/browser.py
	@.venv/bin/python .ci/services.py
	@.venv/bin/python .ci/check.py

lint: install ## format, lint, types, imports, migrations
	@.venv/bin/python .ci/check.py --lint

PUBLICATIONS ?= 10000
SEED ?= 1
faults: install ## the real stack, broken on purpose: make faults PUBLICATIONS=10000 SEED=1
	@.venv/bin/python .ci/services.py
	@.venv/bin/python -m tests.faults --publications $(PUBLICATIONS) --seed $(SEED)

bench: install ## speed, as ratios: one JSON line a figure; fails where a goal is missed
	@.venv/bin/python .ci/browser.py
	@.venv/bin/python .ci/services.py
	@.venv/bin/python -m benchmarks

bench-large: install ## an hour: 1 x 100, 15 x 100 and 100 x 100 against the limits, a worker's memory over 10,000
	@.venv/bin/python .ci/services.py
	@.venv/bin/python -m benchmarks.publisher large

.PHONY: help install demo demo-reset test lint faults bench bench-large
