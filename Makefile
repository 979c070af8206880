# `make demo` and `make test` do all their own set-up: they need python3, python3-venv, make and git.
.DELETE_ON_ERROR:
DEMOS := demo-hcc-resection demo-nct04294498 demo-nct07120750
.PHONY: help demo $(DEMOS) test check proofs bench docs lock clean

PYTHON ?= python3
BIN := .venv/bin
UV := UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 $(BIN)/uv

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/ —/'

demo: .venv/ready  ## build the environment, report 227 real patients and two virtual trials, print where the reports lie
	@$(MAKE) --no-print-directory -j2 $(DEMOS)
	@printf '\nThe reports:\n'; printf '  %s\n' out/*/report.html out/*/report/report.html out/*/board/*/*.html

demo-hcc-resection: .venv/ready
	$(BIN)/trialwright report hcc-resection --out out/hcc-resection

demo-nct04294498 demo-nct07120750: demo-%: .venv/ready
	$(BIN)/trialwright simulate $* --seed 1 --force --out out/$*/virtual
	$(BIN)/trialwright report $* --data out/$*/virtual/simulated --out out/$*/report
	$(BIN)/trialwright dsmb $* --data out/$*/virtual/simulated --cut 2028-06-01 --out out/$*/board

test: check .venv-peers/ready  ## build the environments, run every check and test
	$(BIN)/pytest -n 2 -m "not slow and not peers"
	.venv-peers/bin/pytest -m peers

check: .venv/ready  ## formatting, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

proofs: .venv/ready  ## the long proofs that `make test` leaves out
	$(BIN)/pytest -n 2 -m slow

bench: .venv/ready  ## medians and ratios of benchmarks/
	for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

docs: .venv/ready  ## write the generated pages of docs/ anew
	$(BIN)/python -m tests.docs.pages

lock: $(BIN)/uv  ## write requirements/*.txt anew from pyproject.toml
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements/uv.in -o requirements/uv.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --group dev pyproject.toml -o requirements/core.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --group dev --group peers --extra cluster -c requirements/core.txt pyproject.toml -o requirements/peers.txt

$(BIN)/uv: requirements/uv.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), f"Trialwright needs Python 3.11 to 3.13, not {sys.version.split()[0]}"'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/ready: $(BIN)/uv requirements/core.txt pyproject.toml
	$(UV) pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/core.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.venv-peers/ready: .venv/ready requirements/peers.txt
	$(UV) venv -q --clear --python $(BIN)/python .venv-peers
	$(UV) pip install -q --compile-bytecode --python .venv-peers/bin/python --require-hashes -r requirements/peers.txt
	$(UV) pip install -q --python .venv-peers/bin/python --no-deps --no-build-isolation -e .
	@touch $@

clean:  ## remove environments and outputs
	rm -rf .venv .venv-peers out
