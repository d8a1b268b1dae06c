# The program as a GitHub action, a GitLab job's image and a plain `docker run`; `--target server`
# makes the registry of one's own.
#
# The step has no USER: GitHub needs root, and any `--user` works. No WORKDIR: GitHub sets it, others
# pass `-w`.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

# hadolint ignore=DL3049
FROM ${PYTHON_IMAGE} AS libraries
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without the libraries of clouds and of models' signatures: `--build-arg REQUIREMENTS=slim`.
ARG REQUIREMENTS=runtime
COPY requirements/build.txt requirements/${REQUIREMENTS}.txt requirements/
RUN pip install --require-hashes --no-deps -r requirements/build.txt \
    && python -m venv --without-pip /opt/studio-action \
    && pip --python /opt/studio-action install --no-compile --require-hashes --no-deps -r requirements/${REQUIREMENTS}.txt
# Of the hundreds of services that Amazon's library describes, signing asks for these: the storage,
# and those that give out credentials.
RUN find /opt/studio-action/lib -type d -path '*/botocore/data/*' -prune \
      ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -r {} +

FROM libraries AS program
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist .
# The modes do not depend on the umask of whoever checked the files out.
COPY entrypoint.py ./
RUN install -m 0755 entrypoint.py /entrypoint.py

# Modules that are never stale need no look at their source: one stat less for each at every start.
FROM libraries AS step
# hadolint ignore=DL3008
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils >/dev/null
COPY container/cut-libraries.sh /
COPY --from=program /build/dist dist
RUN pip --python /opt/studio-action install --no-compile --no-deps dist/*.whl \
    && /cut-libraries.sh /opt/studio-action \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/studio-action/lib \
    && ln -sf /entrypoint.py /opt/studio-action/bin/studio-action

FROM libraries AS registry
COPY requirements/server.txt requirements/
RUN pip --python /opt/studio-action install --no-compile --require-hashes --no-deps -r requirements/server.txt
COPY --from=program /build/dist dist
RUN pip --python /opt/studio-action install --no-compile --no-deps dist/*.whl \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/studio-action/lib \
    && ln -sf /entrypoint.py /opt/studio-action/bin/studio-action

# git reads the tags of a repository, over http(s) and ssh; ssh-keygen and gpg check their signatures, with no agent;
# nss_wrapper lets ssh-keygen run as a user that has no entry in /etc/passwd. The
# programs themselves are a tenth of their packages and what those depend on. The versions are the base image's
# distribution's.
FROM ${PYTHON_IMAGE} AS programs
COPY container/collect-programs.sh /
# hadolint ignore=DL3008
RUN find /usr /etc >/before \
    && apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends git gpg libnss-wrapper openssh-client >/dev/null \
    && ln -sf ../../bin/git /usr/lib/git-core/git \
    && /collect-programs.sh /programs /before /usr/bin/git /usr/bin/git-upload-pack /usr/lib/git-core/git \
      /usr/lib/git-core/git-remote-http /usr/lib/git-core/git-remote-https \
      /usr/bin/gpg /usr/bin/ssh /usr/bin/ssh-keygen "$(find /usr/lib -name libnss_wrapper.so)" \
    && install -d /programs/usr/share/git-core/templates

FROM ${PYTHON_IMAGE} AS system
COPY --from=programs /programs /
COPY --from=program /entrypoint.py /entrypoint.py
ENV PATH=/opt/studio-action/bin:$PATH
ENTRYPOINT ["/entrypoint.py"]

# Writes to /data alone, so that `--read-only` does, and any `--user`.
FROM system AS server
COPY --from=registry /opt/studio-action /opt/studio-action
# The base image's own library has no bytecode: what is imported here gets it.
RUN python3 -I -c "import studio_action.server.run.process, uvicorn.loops.uvloop, uvicorn.protocols.http.httptools_impl" \
    && install -d -m 1777 /data
ENV STUDIO_ACTION_DATA_DIR=/data \
    STUDIO_ACTION_HOST=0.0.0.0
VOLUME /data
EXPOSE 8000
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["python3", "-Ic", "import urllib.request as it; it.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
LABEL org.opencontainers.image.title="studio-action-server" \
      org.opencontainers.image.description="A self-hosted model registry with the API of DVC Studio, answered from Git repositories" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
CMD ["serve"]

FROM system
COPY --from=step /opt/studio-action /opt/studio-action
COPY container/import-all.py /opt/studio-action/
RUN python3 -I /opt/studio-action/import-all.py
# A build adds what only it knows (revision, created, source) with `--label`: see `make image`.
LABEL org.opencontainers.image.title="studio-action" \
      org.opencontainers.image.description="Resolves a registered model by stage or version and puts verified bytes into a CI workspace" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
