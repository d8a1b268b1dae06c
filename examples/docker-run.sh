#!/usr/bin/env bash
# Puts the model that has the stage `prod` into the folder `model`, and checks what is there once more.
#
# The token is in the environment (`export DVC_STUDIO_TOKEN=...`), so that no process list shows it. The files belong
# to whoever runs this; the container can write nowhere else.
set -euo pipefail

docker run --rm --read-only --user "$(id -u):$(id -g)" \
  --volume "$PWD:/workspace" --workdir /workspace \
  --env DVC_STUDIO_TOKEN \
  "${STUDIO_ACTION_IMAGE:-studio-action}" download-model \
  --repo https://github.com/acme/models.git --model text-classifier --stage prod --dest model

sha256sum --check .studio-action/text-classifier-*/SHA256SUMS
