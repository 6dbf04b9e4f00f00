# Every target that needs .venv sets it up first. The machine has to have Python 3.11 with pip.
SHELL := bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# The first makes each Snakemake start seconds slower; the others let foreign packages in.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
# uv trusts what the machine trusts, so it works behind an institute's proxy as pip does.
export UV_SYSTEM_CERTS = 1

# make figures CORES=2 CONFIG=config/paper.yaml; make paper PROFILE=workflow/profiles/slurm
CORES = all
PROFILE =
CONFIG =
PAPER = config/paper.yaml
# make mutants FILES='physics/spin.py compare' MUTANTS=50 JOBS=4
FILES =
MUTANTS = 25
JOBS = 2
WHERE = $(if $(PROFILE),--workflow-profile $(PROFILE),--cores $(CORES))

# The first Python 3.11 on the PATH (the interpreter itself where that is a virtual environment's).
PYTHON = $(shell for python in python3.11 python3; do $$python -c 'import os, sys; \
	print(os.path.realpath(sys.executable)) if sys.version_info[:2] == (3, 11) else sys.exit(1)' \
	2>/dev/null && break; done)

.PHONY: help demo figures paper paper-figures verify references accuracy study benchmark benchmark-peer jastrow test browser test-slow test-cluster test-preset mutants mutants-page check docs lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

# Runs a configuration, and says where its figures are, and which of them were there before.
define run
	@since=$$(date +%s) && snakemake $(WHERE) --configfile '$(1)' && \
		opentdvp where '$(1)' --since $$since
endef

demo: .venv/.ready ## draw Fig. 2a, b for 40 spins in minutes: figures/demo/
	$(call run,config/demo.yaml)

figures: .venv/.ready ## draw every panel at the paper's sizes: figures/, results/report.html
	$(call run,$(or $(CONFIG),config/config.yaml))

accuracy: .venv/.ready ## compare the engine with exact solutions (hours): docs/accuracy/
	snakemake $(WHERE) --configfile config/accuracy.yaml

study: .venv/.ready ## compare solves, samples, steps and orientations (hours): docs/study/
	snakemake $(WHERE) --configfile config/study.yaml

jastrow: .venv/.ready ## the paper's systems by Jastrow factors on Markov chains (hours): docs/jastrow.md
	snakemake $(WHERE) --configfile config/jastrow.yaml

paper: .venv/.ready ## run the paper's systems, or go on with them (days): docs/paper/
	snakemake $(WHERE) --configfile $(PAPER)

references: .venv/.ready ## of them, exact, Monte Carlo and matrix product references (hours)
	snakemake $(WHERE) --configfile $(PAPER) references

# Nothing but these rules may run: a run that is not in the archive stops it.
paper-figures: .venv/.ready ## draw the paper's figures anew from the archive in results/paper/
	snakemake --cores $(CORES) --configfile $(PAPER) --rerun-triggers input --forceall \
		--allowed-rules all compare derive overview plot
	test '$(PAPER)' != config/paper.yaml || opentdvp crate $(PAPER) --license https://spdx.org/licenses/MIT

verify: .venv/.ready ## check that the archive is that of the configuration, and within tolerance
	opentdvp verify $(PAPER)

benchmark: .venv/.ready ## time right-hand sides, and the set-up of moments: docs/benchmarks/
	python benchmarks/scaling.py
	python benchmarks/energies.py
	python benchmarks/moments.py

benchmark-peer: .venv/.ready .venv-peer/.ready ## time jVMC on the same work: docs/benchmarks/peer.md, accuracy.md
	python benchmarks/peer/compare.py .venv-peer/bin/python
	python benchmarks/peer/accuracy.py .venv-peer/bin/python

test: .venv/.ready ## run the tests that take seconds
	pytest

browser: ## install Chromium, in which a test opens the report (root, Debian or Ubuntu)
	@command -v chromedriver > /dev/null || { apt-get update -qq && \
		apt-get install -qq --no-install-recommends chromium chromium-driver > /dev/null; } || \
		echo "Chromium cannot be installed, so the test that opens the report in it is skipped." >&2

test-slow: .venv/.ready .venv-docs/.ready ## run the physics checks that take minutes
	pytest -m slow --dist=worksteal

test-cluster: .venv/.ready ## run the workflow on a SLURM that it installs (root, Debian or Ubuntu)
	tests/cluster/slurm.sh around pytest -m "cluster and not preset" --dist=loadgroup

test-preset: .venv/.ready ## run the small preset there and locally, and compare (an hour)
	tests/cluster/slurm.sh around pytest -m preset -n 0

mutants: .venv/.ready .venv-mutants/.ready ## break lines and see which the tests notice, or go on (hours): docs/mutants.md
	.venv-mutants/bin/python tests/mutants/mutate.py --python .venv/bin/python \
		--sample $(MUTANTS) --jobs $(JOBS) $(FILES)

mutants-page: .venv/.ready ## write its page anew, with the reasons in tests/mutants/reasons.toml
	python tests/mutants/page.py

check: .venv/.ready ## check style, types and workflow
	ruff check
	ruff format --check
	mypy src
	snakefmt --check Snakefile workflow
	snakemake --lint

docs: .venv/.ready .venv-docs/.ready ## build the documentation, warnings are errors: site/index.html
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build

lock: .venv/.ready ## write requirements.lock and docs/requirements.lock anew after a change of dependencies
	uv pip compile pyproject.toml --extra workflow --group dev --universal --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet --output-file requirements.lock
	uv pip compile --group docs --universal --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header --quiet --output-file docs/requirements.lock

clean: ## delete the environment and the caches; results/ and figures/ stay
	rm -rf .venv .venv-docs .venv-peer .venv-mutants site .mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info
	find src tests -name __pycache__ -prune -exec rm -rf {} +
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/opentdvp"

# The stamp is written last, so a set-up that was interrupted starts from nothing the next time.
# uv itself comes from the lock too: its entry, with hashes, is copied out for pip.
.venv/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "opentdvp needs Python 3.11 on the PATH, as python3.11 or python3;" \
		"python3 is $$(python3 --version 2>/dev/null || echo missing)." >&2; exit 1; }
	test -e $@ || $(PYTHON) -m venv --clear --without-pip .venv
	rm -f $@
	sed -n '/^uv==/,/[^\]$$/p' requirements.lock > .venv/uv.txt
	$(PYTHON) -m pip --python .venv install --quiet --require-hashes --requirement .venv/uv.txt
	uv pip sync --python .venv --require-hashes requirements.lock
	uv pip install --python .venv --no-deps --no-build-isolation --editable .
	touch $@

# jVMC needs an older JAX, hence an environment of its own.
.venv-peer/.ready: benchmarks/peer/requirements.lock | .venv/.ready
	rm -f $@
	test -x .venv-peer/bin/python || $(PYTHON) -m venv --without-pip .venv-peer
	uv pip sync --python .venv-peer --require-hashes benchmarks/peer/requirements.lock
	touch $@

# Cosmic Ray brings much that nothing else needs, and `make test` is to stay light.
.venv-mutants/.ready: tests/mutants/requirements.lock | .venv/.ready
	rm -f $@
	test -x .venv-mutants/bin/python || $(PYTHON) -m venv --without-pip .venv-mutants
	uv pip sync --python .venv-mutants --require-hashes tests/mutants/requirements.lock
	touch $@

# MkDocs is needed for `make docs` alone.
.venv-docs/.ready: docs/requirements.lock | .venv/.ready
	rm -f $@
	test -x .venv-docs/bin/python || $(PYTHON) -m venv --without-pip .venv-docs
	uv pip sync --python .venv-docs --require-hashes docs/requirements.lock
	touch $@
