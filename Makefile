# livemove: one target per chore. `make help` lists them.
#
#   make rehearse                       the whole story on this machine
#   make rehearse DUMP=path             the same with your own dump (a file or a folder)
#   make rehearse ROLLBACK=switchover      answer that gate "Roll back": switch_dns, switchover, retire, or clear;
#                                       before the gates, by the DAG of its own: preflight, provision, replicate, validate
#   make rehearse STORY=rollback        move, roll back, move again, retire; clears: every task cleared on the way;
#                                       promote: the data centre dies before the writes moved;
#                                       weights, breach: the name moves by 5, 25, 100 %, and goes back by itself
#   make rehearse PATIENCE=60           each question stands for a minute before it is answered: time to look around
#   make rehearse APP=laravel           the application has its settings as one of Laravel does
#   make rehearse DNS=rfc2136           the zone at a name server with dynamic updates, or manual: at a person's panel

SHELL := /bin/sh
PYTHON := $(or $(LIVEMOVE_VENV),.venv)/bin/python
BIN := $(dir $(PYTHON))
TREES := plugins dags lab tests bench scripts
export PYTHONPATH := plugins:.
export PYTHONUNBUFFERED := 1
# of the caller's Airflow and AWS nothing may reach a test or a rehearsal
unexport AIRFLOW_HOME AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_ENDPOINT_URL

.DEFAULT_GOAL := help
.PHONY: help setup rehearse up down status logs test browser check format format-check lint types imports schema unit story stories bench bench-comparison bench-dms bench-dns bench-console chaos chaos-dms model mutants checkov reference pictures clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

setup: ## make this machine ready: packages, Python environment, Terraform
	@scripts/bootstrap

rehearse: setup ## the whole migration in real Airflow on the lab [DUMP=] [ROLLBACK=] [STORY=] [DNS=rfc2136|manual] [APP=laravel] [PATIENCE=60] [KEEP=1]
	@$(PYTHON) -m lab.rehearsal run $(if $(DUMP),--dump "$(DUMP)") $(if $(ROLLBACK),--rollback $(ROLLBACK)) $(if $(STORY),--story $(STORY)) $(if $(DNS),--dns $(DNS)) $(if $(APP),--app $(APP)) $(if $(PATIENCE),--patience $(PATIENCE)) $(if $(KEEP),--keep)

up: setup ## lab, users and Airflow for you to click in [DUMP=] [APP=laravel]
	@$(PYTHON) -m lab.rehearsal up $(if $(DUMP),--dump "$(DUMP)") $(if $(APP),--app $(APP))

down: ## end lab and Airflow, also after a crash
	@$(PYTHON) -m lab.rehearsal down

status: ## what stands: hosts, addresses, logins
	@$(PYTHON) -m lab status

logs: ## logs of the lab [NAME=idc-mariadb]
	@$(PYTHON) -m lab logs $(NAME)

test: setup browser check unit story ## everything: checks, tests, and one whole rehearsal

browser: ## Chromium for the tests of the console; a rehearsal needs none
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || scripts/install-packages chromium

check: format-check lint types imports ## format, lint, types, import contracts

format: ## rewrite the sources in the project's format
	$(BIN)ruff format $(TREES)
	$(BIN)ruff check --fix $(TREES)

format-check:
	$(BIN)ruff format --check $(TREES)

lint: ## ruff, with Airflow's own rules
	$(BIN)ruff check $(TREES)

types: ## mypy, strict
	$(BIN)mypy

imports: ## the direction of imports
	$(BIN)lint-imports

schema: ## write the published shape of the report's JSON anew
	$(PYTHON) -m livemove.cli report-schema > include/schema/report.schema.json

unit: ## all tests but the story
	$(PYTHON) -m pytest -q -m "not story and not long"

story: ## one whole rehearsal, judged by its report
	$(PYTHON) -m pytest -q -m story

model: ## the protocol's proofs: Spin, exhaustively, and ten thousand steps of Hypothesis [LONG=1: hours]
	@command -v spin >/dev/null && command -v gcc >/dev/null || scripts/install-packages spin gcc
	$(PYTHON) -m tests.protocol_model $(if $(LONG),--long)
	$(PYTHON) -m tests.switchover.test_state_machine 1500 20

mutants: ## break each of a hundred promises in a copy and see a test notice; goes on where it stopped [ONLY=word] [AGAIN=1]
	@$(PYTHON) -m tests.mutants $(if $(ONLY),--only "$(ONLY)") $(if $(AGAIN),--again)

stories: setup ## the whole Terraform stack up and destroyed, then every rehearsal: the move, all ways back, every task cleared, the data centre's death, the name by weights at other providers, and of an application of Laravel (two hours and a half)
	$(PYTHON) -m pytest -q -m long
	@for words in "" "--rollback preflight" "--rollback provision" "--rollback trial" "--rollback replicate" "--rollback validate" "--rollback switch_dns" \
		"--rollback switchover" "--rollback retire" "--story rollback" "--story clears" "--story promote" \
		"--story weights" "--story breach" "--dns rfc2136" "--dns manual" "--app laravel"; do \
		echo "== rehearsal $$words"; $(PYTHON) -m lab.rehearsal run $$words || exit 1; done

bench: setup ## what it costs: the write pause over 30 moves there and back, on this machine (half an hour) [MOVES=n]
	@$(PYTHON) -m bench.switchover $(if $(MOVES),--moves $(MOVES))
	@$(PYTHON) -m bench.switchover --profile local --no-hold $(if $(MOVES),--moves $(MOVES))

bench-comparison: setup ## what proving equality costs: 5 million rows on two servers, beside CHECKSUM TABLE [ROWS=n] [RELADIFF=program]
	@$(PYTHON) -m bench.comparison $(if $(ROWS),--rows $(ROWS)) $(if $(RELADIFF),--reladiff $(RELADIFF))

bench-dns: setup ## the name: delay of the propagation sensor, the shift by weights, a breach that goes back (15 minutes)
	@$(PYTHON) -m bench.propagation
	@$(PYTHON) -m bench.shift
	@$(PYTHON) -m bench.shift --errors 0.05

chaos: setup ## the kill matrix: a move interrupted everywhere, and what becomes of it (under an hour) [ONLY=words] [SAMPLE=n] [SEED=n]
	@$(PYTHON) -m lab.chaos $(if $(ONLY),--only "$(ONLY)") $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

chaos-dms: setup ## faults of a DMS task during load and CDC, the rows compared afterwards [ONLY=words] [SEED=n]
	@$(PYTHON) -m lab.chaos_dms $(if $(ONLY),--only "$(ONLY)") $(if $(SEED),--seed $(SEED))

bench-dms: setup ## full load and CDC of the lab's DMS against the dump pipe and native replication [ROWS=n]
	@$(PYTHON) -m bench.replicator $(if $(ROWS),--rows $(ROWS))

bench-console: setup browser ## what the console weighs, and how soon it shows something
	@$(PYTHON) -m bench.console

checkov: ## what a scanner of Terraform finds; include/terraform/.checkov.yaml says what is left out and why
	@test -x .checkov/bin/checkov || { $(PYTHON) -m venv .checkov && .checkov/bin/pip install -q checkov==3.3.30; }
	@.checkov/bin/checkov --config-file include/terraform/.checkov.yaml

reference: ## write docs/reference.md anew from the code
	@$(PYTHON) scripts/reference.py

pictures: setup browser ## the pictures of docs/images taken anew, from two rehearsals [KIND=moved|back]
	@$(PYTHON) scripts/pictures.py $(KIND)

clean: down ## remove the environment and all reports; the next setup begins from nothing
	rm -rf .venv .checkov .lab .mutants.json rehearsals .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
