# hadolint global ignore=DL3008,DL3049
# What gitlab-ci-local moves files with (a shell, coreutils, rsync), where its own image cannot be pulled.
FROM python:3.13-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends rsync \
    && rm -rf /var/lib/apt/lists/*
