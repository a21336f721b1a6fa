# The developer's entry point. The user's are ./demo and ./test.
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --quiet \
	--custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help venv lock fmt check test bench bench-sim property sim chaos soak tail

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

venv: ## make .venv with everything a developer needs
	@scripts/venv.sh dev

lock: venv ## write requirements/*.txt anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(LOCK) --group dev -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt -o requirements/runtime.txt
	@scripts/venv.sh dev

fmt: venv ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: venv ## the quick checks: format, lint, types, imports, architecture and unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture tests/unit

test: ## every check a change must pass, as CI runs it
	./test

bench: venv ## measure latency and throughput
	$(BIN)/python -m bench

bench-sim: venv ## measure the simulated exchange: orders, pushes and book updates a second of one core
	$(BIN)/python -m bench.exchange_sim

sim: venv ## whole systems with seeded faults on a virtual clock (SEEDS=2000 FIRST=0)
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),2000) --first $(or $(FIRST),0) --jobs 2

property: venv ## the property tests with many more examples and histories
	HYPOTHESIS_PROFILE=thorough WORLD_TRANSITIONS=100000 $(BIN)/pytest -n 2 --timeout 3600 tests/property

chaos: venv ## break the running system in every way (SEEDS=5 TABLE_SEEDS=1 ONLY=name PARTS=points,table,disk REPORT=f.json)
	$(BIN)/python -m tests.chaos --seeds $(or $(SEEDS),5) --table-seeds $(or $(TABLE_SEEDS),1) --only "$(ONLY)" \
		$(if $(PARTS),--parts $(PARTS)) $(if $(REPORT),--report $(REPORT))

soak: venv ## eight bots under a random fault every 20 s (MINUTES=30 SEED=1 REPORT=f.json)
	$(BIN)/python -m tests.chaos.soak --minutes $(or $(MINUTES),30) --seed $(or $(SEED),1) $(if $(REPORT),--report $(REPORT))

tail: venv ## follow the streams in readable form
	$(BIN)/hedgegrid tail

.env:
	cp .env.example .env

up: .env ## the whole system in docker, on paper unless .env says otherwise
	docker compose up -d --build --wait

down: ## stop what `make up` started; data stays
	docker compose --profile paper down

dashboards: venv ## write Grafana's dashboards anew from deploy/grafana/boards.py
	$(BIN)/python deploy/grafana/generate.py
