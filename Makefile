# Every target makes what it needs: `make verify` and `make test` work on a fresh
# machine with Python 3.11 or newer and pip.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ENGINES := $(VENV)/.engines
TOOLS := $(VENV)/.tools
REPLAY := $(VENV)/.replay
SITE := $(VENV)/.site
BENCH := $(VENV)/.bench

export KERAS_BACKEND ?= tensorflow
export TF_CPP_MIN_LOG_LEVEL ?= 3

# Of BLAS in each of several processes: more would wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# The engine, device and mode of `make parity`.
ENGINE ?= keras@tensorflow
DEVICE ?= cpu
MODE ?= auto
MINUTES ?= 60
PARITY_ENGINE = REFKERAS_ENGINE=$(ENGINE) KERAS_BACKEND=$(patsubst keras@%,%,$(ENGINE)) REFKERAS_MODE=$(MODE) \
  HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-engines}
PARITY = REFKERAS_DEVICE=$(DEVICE) $(PARITY_ENGINE) $(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart=1 \
  parity_tests $(or $(PARITY_ARGUMENTS),-p parity_tests.matrix)
# What the suite needs beside Keras, all of it pure Python but NumPy and h5py.
GPU_TOOLS := "numpy>=2" "hypothesis>=6.100" "pytest>=8.2" "pytest-timeout>=2.3" "h5py>=3.10" "rich>=13.7"

# pip must not run twice at once.
.NOTPARALLEL:

.PHONY: help verify test lint parity parity-all parity-gpu keras-tests fuzz soundness sharpness replay nightly bench bench-quick readme docs mutants mutants-fields arguments clean sabotage

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

verify: $(ENGINES) ## the four questions on refkeras and on real Keras, number by number
	$(BIN)/python -m refkeras verify

test: $(TOOLS) $(ENGINES) ## every test, on two processes
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(TOOLS) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

parity: $(TOOLS) $(ENGINES) $(REPLAY) ## the parity suite on one engine: ENGINE=keras@jax DEVICE=cpu|gpu MODE=eager|graph|jit
	$(PARITY)

parity-all: ## the parity suite on every engine and in every mode, on the CPU
	$(MAKE) parity ENGINE=keras@tensorflow MODE=eager
	$(MAKE) parity ENGINE=keras@tensorflow MODE=graph
	$(MAKE) parity ENGINE=keras@tensorflow MODE=jit
	$(MAKE) parity ENGINE=keras@jax
	$(MAKE) parity ENGINE=keras@torch
	$(MAKE) parity ENGINE=keras@numpy

parity-gpu: ## the parity suite on a GPU, in a Python with a CUDA build of JAX or PyTorch (docs/gpu.md)
	$(PYTHON) -m pip install -q keras==3.15.1 $(GPU_TOOLS)
	PYTHONPATH=. REFKERAS_DEVICE=gpu $(PARITY_ENGINE) $(PYTHON) -m pytest parity_tests $(or $(PARITY_ARGUMENTS),-p parity_tests.matrix)

keras-tests: $(TOOLS) $(ENGINES) ## Keras's own unit tests on refkeras: which pass, and why the others do not
	$(BIN)/python -m parity_tests.keras_tests

fuzz: $(TOOLS) ## ten thousand damaged model files: each is loaded, or refused with a clear error
	$(BIN)/python -m tests.saving.fuzz

soundness: $(TOOLS) $(ENGINES) $(REPLAY) ## error bars beside every CPU engine: does anything lie beyond 8 sigma?
	$(BIN)/python -m parity_tests.soundness

sharpness: $(TOOLS) $(ENGINES) ## error bars are narrow: deviations in sigma, and errors put in are noticed
	$(BIN)/python -W ignore -m parity_tests.soundness.sharpness

sabotage: $(ENGINES) ## make mistakes in each Keras that is installed, and see `refkeras verify MODEL` find them
	$(BIN)/python -m parity_tests.sabotage

replay: $(TOOLS) $(ENGINES) $(REPLAY) ## draws and whole runs from the seed alone, on every engine
	$(BIN)/python -m parity_tests.replay

nightly: $(TOOLS) $(ENGINES) $(REPLAY) ## ten thousand examples of each property, as far as they go: ENGINE=keras@torch MINUTES=60
	$(ONE_THREAD) REFKERAS_ENGINE=$(ENGINE) KERAS_BACKEND=$(patsubst keras@%,%,$(ENGINE)) $(BIN)/python -m parity_tests.nightly --minutes $(MINUTES)

bench: $(ENGINES) $(REPLAY) $(BENCH) ## every workload beside its peers, the targets beside the figures (an hour and more)
	$(BIN)/python -m benchmarks --threads both --json benchmarks/results.json --page docs/benchmarks.md

bench-quick: $(ENGINES) $(REPLAY) $(BENCH) ## the same on small sizes (some minutes)
	$(BIN)/python -m benchmarks --campaign quick --budget 3

mutants: $(TOOLS) $(ENGINES) ## deliberate mistakes, and which test notices each
	$(BIN)/python -m parity_tests.mutants

mutants-fields: $(TOOLS) $(ENGINES) $(REPLAY) ## another engine's value for each field of an engine's semantics: ENGINE=keras@jax
	$(ONE_THREAD) REFKERAS_ENGINE=$(ENGINE) KERAS_BACKEND=$(patsubst keras@%,%,$(ENGINE)) $(BIN)/python -m parity_tests.mutants.fields

arguments: $(TOOLS) $(ENGINES) ## which public arguments the parity tests give, and how many values of each
	$(BIN)/python -m parity_tests.arguments

readme: $(TOOLS) $(ENGINES) ## run what the README quotes, and quote it anew
	$(BIN)/python docs/readme.py

docs: $(SITE) ## the documentation site, its pages run anew, in docs/_build/html
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m sphinx -q -W --keep-going -E -b html docs docs/_build/html

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist out docs/_build docs/api docs/runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# python3-venv, which brings ensurepip, is a package of its own on Debian; pip fills an
# environment made without it.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || \
	  { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; }

# tf_keras by itself: its requirement `tensorflow` would come on top of tensorflow-cpu.
$(ENGINES): pyproject.toml | $(BIN)/python
	$(PIP) install -q -e ".[cli,plot,keras3]"
	$(PIP) install -q --no-deps tf_keras==2.21.0
	@touch $@

$(TOOLS): pyproject.toml | $(BIN)/python
	$(PIP) install -q -e ".[dev]"
	@touch $@

$(SITE): pyproject.toml | $(BIN)/python
	$(PIP) install -q -e ".[docs]"
	@touch $@

$(REPLAY): pyproject.toml | $(BIN)/python
	$(PIP) install -q -e ".[replay]"
	@touch $@

# Without tf_keras's requirements, as above.
$(BENCH): pyproject.toml | $(BIN)/python
	$(PIP) install -q "threadpoolctl>=3.5"
	@touch $@
