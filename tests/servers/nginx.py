"""nginx of Debian's packages, as people put it before servers."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import running, status_at

_MAIN = """
daemon off;
{user}
pid {folder}/nginx.pid;
master_process off;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
}}
"""


def balancing(ports: list[int], listen: int) -> str:
    """The part for a load balancer of servers: it asks the next one if one does not answer."""
    servers = " ".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in ports)
    return f"""
  upstream registry {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{listen};
    location / {{
      proxy_pass http://registry;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_connect_timeout 1s;
      proxy_next_upstream error timeout http_502 http_503;
      proxy_next_upstream_timeout 10s;
    }}
  }}"""


@contextlib.contextmanager
def nginx(folder: Path, http: str, url: str) -> Iterator[None]:
    """An nginx whose block `http` has that in it, from when it listens at `url`."""
    folder.mkdir(exist_ok=True)
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise FileNotFoundError("there is no nginx: apt-get install nginx-light")
    user = "user root;" if os.geteuid() == 0 else ""
    file = folder / "nginx.conf"
    file.write_text(_MAIN.format(folder=folder, http=http, user=user))
    command = [program, "-p", str(folder), "-c", str(file), "-e", "stderr"]
    with running(command, folder, lambda: status_at(url) != 0):
        yield
