# Each target sets up what it needs, then does its one job.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# A recorded market gets a lake and an instance of its own: two sources never share one.
LAKE ?= data$(if $(RECORDED),/recorded)
export SMALLCAPS_LAKE := $(LAKE)
export DAGSTER_HOME := $(abspath $(if $(filter data,$(LAKE)),dagster_home,$(LAKE)/dagster_home))
$(if $(FIRST_SESSION),$(eval export SMALLCAPS_FIRST_SESSION := $(FIRST_SESSION)))
$(if $(RECORDED),$(eval export SMALLCAPS_RECORDED := $(abspath $(RECORDED))))
export POLARS_MAX_THREADS ?= 2
REPORTS_PORT ?= 3001
export SMALLCAPS_REPORTS_AT := http://127.0.0.1:$(REPORTS_PORT)
EXPERIMENTS = $(abspath $(LAKE))/mlflow
EXPERIMENTS_PORT ?= 5000
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

.PHONY: demo ui experiments test check bench peers clean-demo

demo: $(READY) $(DAGSTER_HOME)/dagster.yaml
	@$(BIN)/python -W ignore -m smallcaps_assets.demo $(if $(RECORDED),--recorded $(RECORDED)) \
	  $(if $(SESSIONS),--sessions $(SESSIONS)) $(if $(TICKERS),--tickers $(TICKERS)) $(if $(CONFIG),--config "$$CONFIG")

ui: $(READY) $(DAGSTER_HOME)/dagster.yaml
	@echo "experiments: $(EXPERIMENTS)/mlflow.db; make experiments shows them on http://127.0.0.1:$(EXPERIMENTS_PORT)"
	@$(BIN)/python -m smallcaps_assets.reports.serve $(LAKE) --port $(REPORTS_PORT) & pages=$$!; \
	trap 'kill $$pages 2>/dev/null' EXIT; trap 'exit 130' INT TERM; \
	$(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p $(or $(PORT),3000)

experiments: $(READY)
	@test -f $(EXPERIMENTS)/mlflow.db || { echo "no experiments yet: materialize experiment_runs"; exit 1; }
	@$(BIN)/mlflow server --backend-store-uri sqlite:///$(EXPERIMENTS)/mlflow.db --workers 1 \
	  --default-artifact-root file://$(EXPERIMENTS)/artifacts --host 127.0.0.1 --port $(EXPERIMENTS_PORT)

test: $(READY) check
	$(BIN)/pytest -n 2 --dist loadscope
	@# coverage cannot see inside compiled functions, so they are run once more as plain Python
	NUMBA_DISABLE_JIT=1 $(BIN)/pytest -q -n 2 smallcaps_assets_tests/maths smallcaps_assets_tests/datasets \
	  --cov=smallcaps_assets.maths --cov=smallcaps_assets.datasets --cov-report=term:skip-covered --cov-fail-under=95

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy smallcaps_assets smallcaps_assets_tests

bench: $(READY)
	POLARS_MAX_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m smallcaps_assets_tests.bench_labels
	$(BIN)/python -m smallcaps_assets_tests.bench_source
	$(BIN)/python -m smallcaps_assets_tests.bench_events

# Their pins exclude ours and each other's, so that each library the bench compares with has a room of its own.
peers: $(READY)
	for peer in mlfinpy finmlkit purgedcv; do $(PYTHON) -m venv $(VENV)/peers/$$peer && \
	  $(VENV)/peers/$$peer/bin/pip install --quiet -r smallcaps_assets_tests/peers/$$peer.txt || exit 1; done

clean-demo:
	rm -rf data/* dagster_home/storage dagster_home/history dagster_home/schedules dagster_home/logs

$(DAGSTER_HOME)/dagster.yaml: dagster_home/dagster.yaml
	@mkdir -p $(dir $@)
	@test $(abspath $<) = $(abspath $@) || cp $< $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
