# Every command of this project. Needs Python 3.11 or newer and make; all else is brought by .ci/prepare.
# ARGS is passed on: make demo ARGS='--json', make test ARGS='tests/unit -k book'.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
ENVIRONMENT := $(or $(UV_PROJECT_ENVIRONMENT),.venv)
BIN := $(ENVIRONMENT)/bin
PACKAGES := tapeline producers processors executor sinks gateway simulator schemas infra
ARGS ?=
export PYTHON

.PHONY: help
help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name about; do \
	  printf '%-16s %s\n' "$$name" "$$about"; done

.PHONY: ready
ready: # the environment, as uv.lock says
	@sh .ci/prepare

.PHONY: demo
demo: ready ## start everything, show it, stop it with Ctrl-C
	@$(BIN)/tapeline demo $(ARGS)

.PHONY: up
up: ready ## start Kafka, registry, Postgres and ClickHouse on this machine, without Docker
	@$(BIN)/tapeline up $(ARGS)

.PHONY: down
down: ready ## stop what `up` started; the data stays
	@$(BIN)/tapeline down $(ARGS)

.PHONY: test
test: ready ## run the tests
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: check
check: lint ## format, lint, types, import contracts, tests with coverage
	@$(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

.PHONY: lint
lint: ready ## format, lint, types and import contracts, without the tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

.PHONY: format
format: ready ## put every file into its format and apply the safe fixes
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: bench
bench: ready ## measure us and a peer side by side, into docs/performance.md
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-peers
bench-peers: ready ## measure the peers beside us, each in an environment of its own
	@$(BIN)/python -m benchmarks.peers $(ARGS)

.PHONY: docs
docs: ready ## make the parts of the documents that come from the catalogues again
	@$(BIN)/python -m tests.support.documents

.PHONY: nightly
nightly: ready ## what takes long: more examples and stories, and docs/reliability.md
	@$(BIN)/python -m pytest --nightly tests/properties tests/simulation tests/nightly $(ARGS)

.PHONY: integrity
integrity: ready ## faults in every venue's frames: what finds them, into docs/integrity.md
	@$(BIN)/python -m tests.integrity $(ARGS)

.PHONY: clean
clean: ## delete what the tools made; .tapeline (your data) and logs stay
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* htmlcov dist
	@find $(PACKAGES) tests benchmarks -name __pycache__ -type d -exec rm -rf {} +
