"""What the server measures about itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from studio_action.errors import Unreachable
from studio_action.server.metrics import FOLDER, Metrics, MetricsMiddleware, MetricsPage
from studio_action.server.registry.mirror_folders import Failure, State
from tests.fakes import Time
from tests.server.loopback import served

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def figures(text: str) -> Figures:
    """Every sample by its name and labels."""
    return {
        (sample.name.removeprefix("studio_action_"), tuple(sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Server:
    def __init__(self, token: str = "") -> None:
        self.time, self.metrics, self.base = Time(), Metrics(), ""
        routes = [
            Route("/files/{path:path}", self.file),
            Route("/refused", self.refused),
            Route("/fault", self.fault),
            Route("/metrics", MetricsPage(self.metrics, token, is_open=not token).__call__),
        ]
        self.measured = MetricsMiddleware(
            Starlette(routes=routes), self.metrics, lambda: self.time.now
        )

    def file(self, request: Request) -> Response:
        self.time.now += 0.03
        return PlainTextResponse("x" * 1000)

    def refused(self, request: Request) -> Response:
        request.state.refused = "expired"
        return PlainTextResponse("no", 401)

    def fault(self, request: Request) -> Response:
        raise KeyError("a fault")

    def get(self, path: str) -> requests.Response:
        return requests.get(self.base + path, timeout=10)

    @property
    def figures(self) -> Figures:
        return figures(self.get("/metrics").text)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with served(server.measured) as base:
        server.base = base
        yield server


def test_requests__by_route_method_and_status(server: Server) -> None:
    server.get("/files/folders/models/a")
    server.get("/files/folders/models/b")
    requests.head(f"{server.base}/nowhere", timeout=10)
    server.get("/fault")

    found = server.figures
    by = {labels: value for (name, labels), value in found.items() if name == "requests_total"}
    assert by == {
        (("method", "GET"), ("route", "/files/{path:path}"), ("status", "200")): 2,
        (("method", "HEAD"), ("route", "other"), ("status", "404")): 1,
        (("method", "GET"), ("route", "/fault"), ("status", "500")): 1,
    }


def test_seconds__by_route(server: Server) -> None:
    server.get("/files/a")

    route = ("route", "/files/{path:path}")
    found = server.figures
    assert found["request_seconds_sum", (route,)] == pytest.approx(0.03)
    assert found["request_seconds_bucket", (("le", "0.025"), route)] == 0
    assert found["request_seconds_bucket", (("le", "0.05"), route)] == 1


def test_in_flight__is_the_question_itself(server: Server) -> None:
    assert server.figures["requests_in_flight", ()] == 1
    assert server.figures["requests_in_flight", ()] == 1


def test_file_bytes__are_those_of_files(server: Server) -> None:
    server.get("/files/a")
    server.get("/nowhere")

    assert server.figures["file_bytes_total", ()] == 1000


def test_tokens_refused__by_reason(server: Server) -> None:
    server.get("/refused")

    assert server.figures["tokens_refused_total", (("reason", "expired"),)] == 1


def test_mirrors__when_they_were_refreshed_and_whether_they_are_well() -> None:
    well = State(refreshed=1795305600.0)
    failing = State(refreshed=1.0, failure=Failure.of(Unreachable("nobody answers")))
    metrics = Metrics(mirrors=lambda: {"acme/models": well, "acme/secret": failing})

    found = figures(metrics.text().decode())

    models, secret = (("repository", "acme/models"),), (("repository", "acme/secret"),)
    assert found["mirror_refreshed_timestamp_seconds", models] == 1795305600
    assert found["mirror_failing", models] == 0
    assert found["mirror_refreshed_timestamp_seconds", secret] == 1
    assert found["mirror_failing", secret] == 1


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        pytest.param("Bearer the-token", 200, id="right"),
        pytest.param("Bearer the-tokem", 401, id="wrong"),
        pytest.param("the-token", 401, id="bare"),
        pytest.param("Bearer tökën", 401, id="odd"),
        pytest.param("", 401, id="none"),
    ],
)
def test_page__with_a_token(shown: str, status: int) -> None:
    with served(Server("the-token").measured) as base:
        headers = {"Authorization": shown.encode()} if shown else {}
        answer = requests.get(f"{base}/metrics", headers=headers, timeout=10)

    assert answer.status_code == status
    if status == 401:
        assert answer.json() == {"detail": "Invalid token."}
        assert answer.headers["www-authenticate"] == "Bearer"


def test_page__is_closed_unless_it_is_told_to_be_open() -> None:
    page = MetricsPage(Metrics(), "")
    with served(Starlette(routes=[Route("/metrics", page.__call__)])) as base:
        answer = requests.get(f"{base}/metrics", timeout=10)

    assert answer.status_code == 403
    assert "metrics-token" in answer.json()["detail"]


def test_page__is_text_for_prometheus(server: Server) -> None:
    assert server.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


_WORKER = """
import os, sys
from pathlib import Path
from studio_action.server.metrics import FOLDER, Metrics
metrics = Metrics(Path(os.environ[FOLDER]))
metrics.requests.labels("GET", "/", 200).inc(3)
metrics.in_flight.inc()
print("ready", flush=True)
if sys.stdin.readline():
    sys.stdout.write(metrics.text().decode())
"""


def test_text__adds_up_what_workers_did_and_only_what_living_ones_do(tmp_path: Path) -> None:
    def worker() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={FOLDER: str(tmp_path)},
            text=True,
        )

    with worker() as first, worker() as second, worker() as third:
        for each in (first, second, third):
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        third.communicate("")

        told = figures(second.communicate("tell\n")[0])
        first.communicate("")

    labels = (("method", "GET"), ("route", "/"), ("status", "200"))
    assert told["requests_total", labels] == 9
    assert told["requests_in_flight", ()] == 2
