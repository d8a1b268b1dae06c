"""Run in the image by its Python: every library that it holds does what it is there for.

Its argument is the key file of a service account of Google's.
"""

import os
import sys
from datetime import datetime, timezone

import asyncssh
import azure.identity
import fsspec.implementations.arrow
import fsspec.implementations.webhdfs
import google.auth.transport.requests
import sshfs

from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.gitrepo.remotes.opening import StorageRemotes
from studio_action.gitrepo.signatures import gitsign
from studio_action.net.network import Network
from studio_action.signature import verifying

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
AZURE = "DefaultEndpointsProtocol=https;AccountName=ours;AccountKey=MDAwMA=="
OPTIONS = {
    "s3://models": {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI"},
    "azure://models": {"connection_string": AZURE},
    "gs://models": {"credentialpath": sys.argv[1]},
    "oss://models": {
        "oss_endpoint": "oss-cn-hangzhou.aliyuncs.com",
        "oss_key_id": "LTAI",
        "oss_key_secret": "hunter2",
    },
}

os.environ |= {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}
opened = StorageRemotes(Network(), Identity(os.environ))
for url, options in OPTIONS.items():
    print(opened(Settings.of("store", url, options)).place("files/md5/ab", "", NOW).url)
print(opened(Settings.of("store", "s3://models", {})).place("files/md5/ab", "", NOW).url)
azure.identity.DefaultAzureCredential()
google.auth.transport.requests.Request()
asyncssh.SSHClientConnectionOptions()
print(sshfs.SSHFileSystem, fsspec.implementations.webhdfs.WebHDFS, verifying, gitsign)
