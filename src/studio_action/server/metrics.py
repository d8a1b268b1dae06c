"""The server's metrics for Prometheus.

The workers of one server write into files of a shared folder, which the library reads from the
variable `PROMETHEUS_MULTIPROC_DIR` at import; any worker can return the totals.
https://prometheus.github.io/client_python/multiprocess/
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio_action.server.registry.mirror_folders import State

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the workers' shared folder; not set for a single process."""

FILES_ROUTE = "/files/{path:path}"
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_OTHER = "other"
"""The label for unknown methods and paths: each label costs memory for ever."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one process, and their totals over all that share its `folder`.

    `mirrors` returns the state of each repository's mirror, by the repository's name.
    """

    def __init__(
        self, folder: Path | None = None, mirrors: Callable[[], Mapping[str, State]] = dict
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # nobody uses them
        self._folder, self._mirrors = folder, mirrors
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "studio_action_requests",
            "Requests that were answered",
            ("method", "route", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "studio_action_request_seconds",
            "Seconds from a request to the end of its answer",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "studio_action_requests_in_flight",
            "Requests that are being answered",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.file_bytes = Counter(
            "studio_action_file_bytes", "Bytes of files that were sent", registry=registry
        )
        self.tokens_refused = Counter(
            "studio_action_tokens_refused",
            "Requests whose token was refused",
            ("reason",),
            registry=registry,
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._counters()) + generate_latest(self._mirror_gauges())

    def _counters(self) -> CollectorRegistry:
        if self._folder is None:
            return self._registry
        self._drop_dead_workers(self._folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        return registry

    def _mirror_gauges(self) -> Collector:
        """Return the metrics of the mirrors, which all processes share."""
        refreshed = GaugeMetricFamily(
            "studio_action_mirror_refreshed_timestamp_seconds",
            "When a repository's mirror was last up to date, in seconds since 1970",
            labels=("repository",),
        )
        failing = GaugeMetricFamily(
            "studio_action_mirror_failing",
            "1 where the last attempt to bring a repository's mirror up to date failed",
            labels=("repository",),
        )
        for name, state in self._mirrors().items():
            refreshed.add_metric([name], state.refreshed)
            failing.add_metric([name], float(state.failure is not None))
        return _Families((refreshed, failing))

    def _drop_dead_workers(self, folder: Path) -> None:
        """Drop the live gauges of workers that ended; their counters stay."""
        for file in folder.glob("gauge_live*_*.db"):
            pid = int(file.stem.rpartition("_")[2])
            if not _is_running(pid):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """The endpoint `/metrics`, for whoever has `token`, or for everyone if it `is_open`."""

    metrics: Metrics
    token: str
    is_open: bool = False

    def __call__(self, request: Request) -> Response:
        """Return all metrics; answer 401 without the token, and 403 if there is none."""
        if not self.token and not self.is_open:
            closed = "Metrics are closed: configure metrics-token, or open-metrics."
            return JSONResponse({"detail": closed}, 403)
        shown = request.headers.get("authorization", "").encode("latin-1")
        if self.token and not hmac.compare_digest(shown, f"Bearer {self.token}".encode()):
            refusal = {"detail": "Invalid token."}
            return JSONResponse(refusal, 401, {"WWW-Authenticate": "Bearer"})
        return Response(self.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@dataclass(frozen=True, slots=True)
class MetricsMiddleware:
    """Measures the responses of `app`. `now` returns seconds.

    It reads `route` from a request's scope, and `refused`, the reason why its token was invalid,
    from its state.
    """

    app: ASGIApp
    metrics: Metrics
    now: Callable[[], float]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, then count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, sent = self.now(), 500, 0

        async def counted(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            sent += len(message.get("body", b""))

        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, counted)
        finally:
            self.metrics.in_flight.dec()
            self._count(scope, status, sent, self.now() - began)

    def _count(self, scope: Scope, status: int, sent: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _OTHER)
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        if route == FILES_ROUTE:
            self.metrics.file_bytes.inc(sent)
        if reason := scope.get("state", {}).get("refused"):
            self.metrics.tokens_refused.labels(reason).inc()


@dataclass(frozen=True, slots=True)
class _Families(Collector):
    families: tuple[GaugeMetricFamily, ...]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self.families


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
