#!/bin/sh
# Takes out of the environment ENV what the step never uses: half of the libraries. `cut-libraries.sh ENV`. What is left
# is held by tests/container/signing.py, which runs in the image.
set -eu
cd "$1"/lib/python3.*/site-packages

if [ -d azure ]; then
  # What encrypts content before it is stored; what compiles; what verifies signatures brings along what its own
  # command lines and addresses of e-mail need.
  pip --python "$1" uninstall --quiet --yes \
    dnspython email-validator markdown-it-py mdurl pycparser pycryptodome pygments rich

  # What programs of another kind use: coroutines, gRPC, the version before this one, time zones; and tests.
  rm -r alibabacloud_oss_v2/aio azure/identity/aio azure/storage/blob/aio azure/storage/blob/_generated/aio \
    botocore/cacert.pem dateutil/zoneinfo/*.tar.gz fsspec/gui.py fsspec/tests google/auth/aio google/cloud/_storage_v2 \
    google/cloud/storage/asyncio google/longrunning google/type pydantic/v1 securesystemslib/_vendor/ed25519/test_data
  find fsspec/implementations -name '*.py' ! -name __init__.py ! -name arrow.py ! -name local.py ! -name memory.py \
    ! -name webhdfs.py -delete
fi

# What only people and installers read, and symbols for debuggers. The head of METADATA is what scanners read.
find . -name '*.pyi' -delete
find . -path '*.dist-info/METADATA' -exec sed -i '/^$/,$d' {} +
rm ./*.dist-info/RECORD
find . -name '*.so*' -type f -exec strip --strip-unneeded {} +
