#!/usr/bin/env bash
# Puts a model that its repository imported from another one (`dvc import`) into the folder `model`, straight from Git.
#
# It is fetched from the repository that it comes from, at the commit that the import names, with this repository's
# credential if both are on one server, and as a stranger if not.
set -euo pipefail

docker run --rm --read-only --user "$(id -u):$(id -g)" \
  --volume "$PWD:/workspace" --workdir /workspace \
  "${STUDIO_ACTION_IMAGE:-studio-action}" download-model \
  --source git --repo https://git.example.com/acme/serving.git --model classifier --stage prod --dest model

sha256sum --check .studio-action/classifier-*/SHA256SUMS
