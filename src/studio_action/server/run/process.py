"""Runs the server, in this process or in worker processes."""

from __future__ import annotations

import asyncio
import functools
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from multiprocessing.process import BaseProcess
from pathlib import Path

import anyio
import uvicorn

from studio_action.errors import StudioActionError, WorkspaceRefused
from studio_action.net.certificates import system_bundle
from studio_action.net.clock import Clock
from studio_action.net.network import Network, proxies_of
from studio_action.server.app import create_app
from studio_action.server.audit import AuditLog
from studio_action.server.db import database
from studio_action.server.db.audit import AuditEntries
from studio_action.server.db.hits import Hits
from studio_action.server.db.keys import SigningKeys
from studio_action.server.db.projects import Projects
from studio_action.server.db.pushes import Pushes
from studio_action.server.db.tokens import Tokens
from studio_action.server.log import Level, Log, to_descriptor
from studio_action.server.metrics import FOLDER, Metrics
from studio_action.server.openid.log_in import make_log_in
from studio_action.server.registry.making import make_models
from studio_action.server.run import descriptors
from studio_action.server.run.connections import MOST, Connections
from studio_action.server.run.listening import BACKLOG, listen, url_of
from studio_action.server.run.protocol import protocol
from studio_action.server.run.workers import SIGNALS, Workers, metrics_folder, reserve_metrics
from studio_action.server.services import OpenId, Own, Services
from studio_action.server.settings import ServerSettings
from studio_action.server.sharing import SharedCounts
from studio_action.server.token_exchange.discovery import Discovery
from studio_action.server.token_exchange.exchange import make_exchange

_STANDARD_ERROR = 2
KEEP_ALIVE = 75
"""The seconds that a connection may be idle: longer than proxies usually keep theirs."""
_FILES_EACH = 4
"""The open files that a process must be allowed for each connection: as many again are refused."""
_LAST_SECONDS = 2.0
"""The seconds after the grace to end what still runs; then the process exits anyway."""


def serve(settings: ServerSettings, environ: Mapping[str, str]) -> None:
    """Serve until a signal comes; then finish running requests and return.

    Raise `BadInput`, `Unreachable` or `WorkspaceRefused` if the server cannot start.
    """
    _make_folder(settings.data_dir)
    services = make_services(settings, environ)
    database.migrate(services.engine)
    with ExitStack() as stack:
        stack.callback(services.engine.dispose)
        listening = stack.enter_context(listen(settings.process.host, settings.process.port))
        url = url_of(listening) + settings.base_path
        services.log("listening", url=url, workers=settings.process.workers)
        if settings.process.workers == 1:
            _run_server(services, listening)
            return
        folder = stack.enter_context(metrics_folder(settings.data_dir))
        start = functools.partial(
            _start_worker, settings, listening, {**environ, FOLDER: str(folder)}
        )
        Workers(listening, start, services.log, Clock()).run(settings.process.workers)


def make_services(settings: ServerSettings, environ: Mapping[str, str]) -> Services:
    """Return the services of one process, without connecting to anything yet."""
    log, engine = _log(), database.open_engine(settings.database)
    pushes = Pushes(engine)
    models = make_models(
        settings,
        network=network_of(environ),
        environ=environ,
        pushes=pushes,
        utc=_utc,
        log=log,
    )
    metrics_path = environ.get(FOLDER, "")
    tokens = Tokens(engine, _utc)
    audit = AuditLog(
        log, AuditEntries(engine, _utc), timedelta(seconds=settings.process.audit_retention)
    )
    return Services(
        settings=settings,
        engine=engine,
        tokens=tokens,
        projects=Projects(engine, _utc),
        keys=SigningKeys(engine, _utc),
        pushes=pushes,
        models=models,
        utc=_utc,
        log=log,
        own=Own(Metrics(Path(metrics_path) if metrics_path else None, models.mirrors)),
        audit=audit,
        openid=OpenId(
            make_exchange(settings.trusted_issuers, tokens, Discovery(network_of(environ)), log),
            make_log_in(settings.pages.log_in, settings.url, tokens, network_of(environ), log),
        ),
    )


def network_of(environ: Mapping[str, str]) -> Network:
    """Return the certificates and proxies for the server's own requests."""
    bundle = environ.get("SSL_CERT_FILE") or environ.get("REQUESTS_CA_BUNDLE")
    return Network(Path(bundle) if bundle else system_bundle(), proxies_of(environ))


def _utc() -> datetime:
    return datetime.now(timezone.utc)


def _log() -> Log:
    return Log(to_descriptor(_STANDARD_ERROR), _utc)


def _make_folder(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not os.access(data_dir, os.W_OK | os.X_OK):
            raise PermissionError
    except OSError as error:
        raise WorkspaceRefused(
            f"the data-dir {str(data_dir)!r} cannot be written",
            "Use another one, or let this user write it",
        ) from error


def _start_worker(
    settings: ServerSettings, listening: socket.socket, environ: Mapping[str, str]
) -> BaseProcess:
    """Start and return a worker process; it gets the settings through a pipe."""
    os.environ[FOLDER] = environ[FOLDER]  # the library reads it when the worker imports it
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=_work, args=(settings, listening, environ), daemon=True)
    worker.start()
    return worker


def _work(settings: ServerSettings, listening: socket.socket, environ: Mapping[str, str]) -> None:
    """Serve in a worker process, which ends when its parent does."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal signals all processes; only the parent reacts
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, daemon=True).start()
    try:
        reserve_metrics(Path(environ[FOLDER]), os.getpid())
        _run_server(make_services(settings, environ), listening)
    except Exception:
        _log().fault("a worker failed", traceback.format_exc())
        sys.exit(1)


def _run_server(services: Services, listening: socket.socket) -> None:
    _forward_logging(services.log)
    server = uvicorn.Server(_uvicorn(services))
    threading.Thread(target=_fetch_mirrors, args=(services,), daemon=True).start()
    services.audit.start()
    sharing = _sharing(services)
    try:
        anyio.run(_serve, server, listening, services, backend_options={"use_uvloop": True})
    finally:
        services.audit.stop()
        if sharing:
            sharing.stop()


def _sharing(services: Services) -> SharedCounts | None:
    """Start to share rate limits, unless this is the only process of its database."""
    if services.settings.process.workers == 1 and services.engine.dialect.name == "sqlite":
        return None
    shared = SharedCounts(services.own.counters, Hits(services.engine), services.log)
    shared.start()
    return shared


def _uvicorn(services: Services) -> uvicorn.Config:
    settings = services.settings
    return uvicorn.Config(
        create_app(services),
        http=protocol(_connections(services)),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.process.trusted_proxies),
        forwarded_allow_ips=list(settings.process.trusted_proxies),
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=round(settings.process.grace),
    )


def _connections(services: Services) -> Connections:
    def report(address: str) -> None:
        services.log("too many connections of one address", level="warning", client=address)

    settings = services.settings
    return Connections(
        settings.limits.connections_per_address,
        settings.process.trusted_proxies,
        report,
        min(MOST, descriptors.allow_many() // _FILES_EACH),
    )


async def _serve(server: uvicorn.Server, listening: socket.socket, services: Services) -> None:
    """Serve until a signal comes; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for each in handled:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        process = services.settings.process
        services.log("stopping", drain=process.drain, grace=process.grace)
        services.own.stopping.set()
        loop.call_later(process.drain, setattr, server, "should_exit", True)
        force_exit = threading.Timer(process.drain + process.grace + _LAST_SECONDS, os._exit, (0,))
        force_exit.daemon = True
        force_exit.start()

    handled = [each for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN]
    serving = asyncio.create_task(server.serve([listening]))
    await asyncio.sleep(0)  # uvicorn has installed its own handlers by now
    for each in handled:
        loop.add_signal_handler(each, stop)
    services.log("ready", pid=os.getpid())
    await serving


def _fetch_mirrors(services: Services) -> None:
    """Fetch the mirrors before a client has to wait for one."""
    for repository in services.settings.repositories:
        try:
            services.models.catalogue(repository)
        except StudioActionError as error:
            services.log(
                "a repository cannot be read",
                level="warning",
                repository=repository.name,
                error=str(error),
            )


class _Handler(logging.Handler):
    """Forwards the log records of libraries."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as one line."""
        kind = record.exc_info[0] if record.exc_info else None
        if kind is asyncio.CancelledError:
            return  # of cancelled requests, which are in the access log
        if record.exc_info and kind:
            trace = logging.Formatter().formatException(record.exc_info)
            self._log.fault(record.getMessage(), trace, logger=record.name)
        else:
            level: Level = "error" if record.levelno >= logging.ERROR else "warning"
            self._log(record.getMessage(), level=level, logger=record.name)


def _forward_logging(log: Log) -> None:
    logging.basicConfig(level=logging.WARNING, handlers=[_Handler(log)], force=True)
    logging.captureWarnings(True)
