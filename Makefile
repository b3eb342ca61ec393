# Everything here works from a fresh clone with only make and a Python 3.10 to 3.12: what is needed is installed first.
# Knobs: PYTHON=/path/to/python  VENV=folder (default .venv)  ARGS="arguments for the tool"

VENV ?= .venv
ARGS ?=
export VENV
ifdef PYTHON
export PYTHON
endif
RUN = $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test simulation planted torture fuzz hosts lint format bench budget pages conformance setup lock clean docs-site audit sbom

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## 50,000 orders from Kafka into a local Tablestore, read back and checked; no account needed
	@sh scripts/setup.sh requirements.lock
	@exec $(RUN) -m demo $(ARGS)

test: ## lint, types and every test lane that this machine can run; ARGS="tests/unit -k json" for some
	@sh scripts/setup.sh requirements-dev.lock
	@sh scripts/test.sh $(ARGS)

simulation: ## 10,000 seeds of the whole connector in virtual time, with faults of every kind; ARGS="--seed 7" for one
	@sh scripts/setup.sh requirements-dev.lock
	@exec $(RUN) -W ignore -m simulation --seeds 10000 $(ARGS)

planted: ## every planted bug in real runs that are killed: the checker must find each; ten minutes
	@sh scripts/setup.sh requirements-dev.lock
	@PLANTED_BUGS=all exec $(RUN) -m pytest -n 0 -q tests/flows/test_planted_bugs.py $(ARGS)

torture: ## 1,000 cycles of the real flow: killed, stopped, rescaled, under faults; hours; ARGS="--cycles 50 --resume"
	@sh scripts/setup.sh requirements-dev.lock
	@exec $(RUN) -m torture $(ARGS)

fuzz: ## 1,000,000 random configurations and answers of registry and service; 100,000 random records through a flow
	@sh scripts/setup.sh requirements-dev.lock
	@$(RUN) -m tests.fuzz $(ARGS)
	@FUZZED_RECORDS=100000 exec $(RUN) -m pytest -n 0 -q --timeout 3000 tests/flows/test_unreadable_headers.py

hosts: ## a run on three hosts (network namespaces; root): killed, stopped, cut off, rescaled; seven minutes
	@sh scripts/setup.sh requirements-dev.lock
	@SYNC_TEST_HOSTS=1 exec $(RUN) -m pytest -n 0 -q --timeout 1200 -o faulthandler_timeout=1200 tests/flows/test_hosts.py

lint: ## ruff and mypy --strict
	@sh scripts/setup.sh requirements-dev.lock
	@sh scripts/check.sh

format: ## lay the code out, and mend what ruff can mend
	@sh scripts/setup.sh requirements-dev.lock
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format .

bench: ## throughput, latency and memory
	@sh scripts/setup.sh requirements-dev.lock
	@exec $(RUN) -m bench $(ARGS)

budget: ## a guard against regressions that is no timing: the bytecodes a row of each mode, against their bounds
	@sh scripts/setup.sh requirements-dev.lock
	@exec $(RUN) -m bench modes --budget $(ARGS)

pages: ## write the pages of docs/ that are made of the code
	@sh scripts/setup.sh requirements-dev.lock
	@$(RUN) -m scripts.pages

docs-site: ## the pages of docs/ and others as a site in site/; fails for a broken link or anchor
	@sh scripts/setup.sh requirements-docs.lock
	@exec $(RUN) -m scripts.site $(ARGS)

conformance: ## the vendor's SDK suites on the local Tablestore; PYTHON_SDK=... JAVA_SDK=... GO_SDK=... NODE_SDK=... CONFORMANCE_RIG=...
	@sh scripts/setup.sh requirements-dev.lock
	@exec sh scripts/conformance.sh

audit: ## known vulnerabilities of the pinned packages, by PyPI's advisories (needs the internet)
	@sh scripts/setup.sh requirements-dev.lock
	@exec $(RUN) -m scripts.audit $(ARGS)

sbom: ## what a run is made of, in CycloneDX's format: dist/sbom.json
	@sh scripts/setup.sh requirements-dev.lock
	@mkdir -p dist
	@$(RUN) -W ignore -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.json
	@echo "dist/sbom.json is written"

setup: ## only the environment, with all the tools
	@sh scripts/setup.sh requirements-dev.lock
	@echo "Ready: $(RUN)"

lock: ## pin the packages again (needs uv)
	@sh scripts/lock.sh $(ARGS)

clean: ## remove caches, builds and demo data; keeps .venv and your state/
	@rm -rf demo-data dist build site .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
