# The program as a GitHub action, a GitLab job's image and a plain `docker run`.
#
# No USER: GitHub needs root, and any `--user` works. No WORKDIR: GitHub sets it, others pass `-w`.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN pip install --require-hashes --no-deps -r requirements/build.txt \
    && python -m venv --without-pip /opt/studio-action \
    && pip --python /opt/studio-action install --require-hashes --no-deps -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
# Modules that are never stale need no look at their source: one stat less for each at every start.
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/studio-action install --no-deps dist/*.whl \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/studio-action/lib
# The modes do not depend on the umask of whoever checked the files out.
COPY entrypoint.py ./
RUN install -m 0755 entrypoint.py /entrypoint.py \
    && ln -sf /entrypoint.py /opt/studio-action/bin/studio-action

FROM ${PYTHON_IMAGE}
# git reads the tags of a repository. Its version is the base image's distribution's.
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends git >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /opt/studio-action /opt/studio-action
COPY --from=build /entrypoint.py /entrypoint.py
ENV PATH=/opt/studio-action/bin:$PATH
# The base image's own library has no bytecode: what is imported here gets it, so that a start
# takes a quarter of the time, on a read-only file system too. The first three are imported late.
RUN python3 -I -c "import _strptime, encodings.ascii, encodings.idna; \
    import click, pathspec, pkgutil, pycurl, requests, tqdm, studio_action as program; \
    [__import__(module.name) for module in pkgutil.walk_packages(program.__path__, 'studio_action.')]"
# A build adds what only it knows (revision, created, source) with `--label`: see `make image`.
LABEL org.opencontainers.image.title="studio-action" \
      org.opencontainers.image.description="Resolves a registered model by stage or version and puts verified bytes into a CI workspace" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
ENTRYPOINT ["/entrypoint.py"]
