# Short names for what one does all day. Everything runs in .venv, which `make setup` builds.
PY := .venv/bin/python

.PHONY: setup test lint format snapshots docs pictures bench constraints lowest ci clean

setup:
	python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e '.[test,lint]'

test:
	$(PY) -m pytest -n 4

lint:
	.venv/bin/ruff check && .venv/bin/ruff format --check && .venv/bin/mypy && .venv/bin/lint-imports

format:
	.venv/bin/ruff check --fix && .venv/bin/ruff format

# Write the snapshots anew. Look at every one that changed before you commit it.
snapshots:
	$(PY) -m pytest --snapshot-update

# The tables of keys, from the app's bindings.
docs:
	$(PY) docs/make_keys.py

pictures:
	$(PY) docs/pictures/make.py

# Each benchmark prints a table with its limits and fails beyond them. Leave the machine alone meanwhile.
BENCHMARKS = start open_chat transcript removal engine large search importing growth loop weight commands

bench:
	@failed=; for name in $(BENCHMARKS); do $(PY) benchmarks/$$name.py || failed="$$failed $$name"; done; \
	[ -z "$$failed" ] || { echo "beyond their limits:$$failed"; exit 1; }

# The versions that are tested, for every platform and without addresses. pip itself stays as it is.
constraints:
	.venv/bin/pip install -q uv
	.venv/bin/uv pip compile --universal --python-version 3.11 --upgrade --no-annotate --no-header --no-emit-package pip \
	  --no-emit-package localchat-tui --extra test --extra lint pyproject.toml -o constraints.txt

# The tests with the oldest dependencies that pyproject.toml allows, in an environment of their own.
lowest:
	.venv/bin/pip install -q uv
	.venv/bin/uv venv -q --clear .cache/lowest
	.venv/bin/uv pip install -q --python .cache/lowest --resolution lowest-direct -e '.[test]'
	.cache/lowest/bin/python -m pytest -n 4

ci:
	.ci/run

clean:
	rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis snapshot_report.html
