# The words to know: `make dev`, `make check`, `make test`, `make demo`, `make fix`, `make lock`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: dev
dev: $(VENV)/.ready

# A virtual environment with exactly the locked versions, and this package as an editable install.
$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# requirements/runtime.txt is what the image holds; test.txt adds the test tools (Python 3.10 on);
# dev.txt adds the linters (Python 3.11 on). build.txt is what makes the package a wheel.
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
  --no-emit-find-links --custom-compile-command "make lock"

.PHONY: lock
lock: dev
	$(COMPILE) pyproject.toml --python-version 3.10 -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --python-version 3.10 -c requirements/runtime.txt --group test -o requirements/test.txt
	$(COMPILE) pyproject.toml --python-version 3.11 -c requirements/test.txt --group test --group lint -o requirements/dev.txt
	$(COMPILE) --python-version 3.11 -c requirements/dev.txt --group build -o requirements/build.txt
