"""What a job still needs to read models from a server without a stored secret, step by step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from studio_action.ci.base import Platform
from studio_action.ci.id_token import GivenIdToken
from studio_action.errors import BadInput, StudioActionError
from studio_action.inputs.config import ExamineServer, RunConfig
from studio_action.net.http_client import HttpClient, Peer
from studio_action.run.context import RunContext
from studio_action.run.wiring import open_network, token_exchange
from studio_action.studio import api
from studio_action.studio.oauth import AccessToken, AuthorizationServer
from studio_action.studio.session import StudioSession
from studio_action.studio.token_exchange import TokenExchange, request_server
from studio_action.text import first_few, human_time, printable, redact

Outcome = Literal["ok", "failed", "not reached"]
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way from the job to the models, and what came of it."""

    name: str
    outcome: Outcome
    text: str = ""


@dataclass(frozen=True, slots=True)
class Checkup:
    """All steps; `exit_code` is that of the first which failed, else 0."""

    server: str
    steps: tuple[Step, ...]
    exit_code: int

    @property
    def document(self) -> str:
        """Return all of it as JSON."""
        return json.dumps(asdict(self), indent=2)

    def lines(self) -> Iterator[str]:
        """Yield all of it as lines for people."""
        width = max(len(step.name) for step in self.steps)
        for step in self.steps:
            said = f"{step.outcome}: {step.text}" if step.text else step.outcome
            yield f"{step.name.ljust(width)}  {printable(said)}"


@dataclass(slots=True)
class Visit:
    """The steps, each of which needs those before.

    `exchange` is None for a job without ID tokens; then `no_source` says how it would get them.
    `list_models` returns the names of the repository's models for a token; `given` names the input
    that has a token.
    """

    system: str
    request_server: Callable[[], AuthorizationServer]
    exchange: TokenExchange | None
    no_source: str
    given: str
    repository: str
    list_models: Callable[[str], list[str]]
    _token: AccessToken | None = None

    def checkup(self, base: str) -> Checkup:
        """Take all steps up to the first that fails."""
        steps: list[Step] = []
        code = 0
        for name, take in self._steps():
            if code:
                steps.append(Step(name, "not reached"))
                continue
            try:
                steps.append(Step(name, "ok", take()))
            except StudioActionError as error:
                steps.append(Step(name, "failed", str(error)))
                code = error.exit_code
        return Checkup(redact(base), tuple(steps), code)

    def _steps(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        return (
            ("server", self._server),
            ("job", self._job),
            ("ID token", self._id_token),
            ("exchange", self._exchange),
            ("models", self._models),
        )

    def _server(self) -> str:
        server = self.request_server()
        trusted = first_few(server.trusted_issuers, _SHOWN) or "issuers that it does not name"
        return f"it exchanges ID tokens for {server.audience}, and trusts {trusted}"

    def _job(self) -> str:
        if self.exchange is None:
            raise BadInput(f"a job of {self.system} without ID tokens", self.no_source)
        said = f"{self.system}, which has ID tokens by {self.exchange.source.origin}"
        if self.given:
            said += f"; but input {self.given} is given, and takes their place"
        return said

    def _id_token(self) -> str:
        assert self.exchange is not None
        found = self.exchange.id_token()
        return f"issued by {found.issuer} for {first_few(found.audiences, _SHOWN)}"

    def _exchange(self) -> str:
        assert self.exchange is not None
        self._token = self.exchange.exchange()
        scopes = " and ".join(self._token.scopes) or "no scope"
        used = isinstance(self.exchange.source, GivenIdToken)
        return f"a token for {human_time(self._token.lifetime)}, with {scopes}" + (
            "; the ID token is used up now" if used else ""
        )

    def _models(self) -> str:
        assert self._token is not None
        if "model-registry" not in self._token.scopes:
            return "not requested: the token lacks the scope model-registry"
        if not self.repository:
            return "not requested: nothing names a repository"
        names = self.list_models(self._token.text)
        found = f": {first_few(names, _SHOWN)}" if names else ""
        return f"{len(names)} in {self.repository}{found}"


def examine(config: RunConfig, platform: Platform) -> Checkup:
    """Return what `doctor --server` has to say about a server and this job."""
    context, task, limits = RunContext(config, platform), config.task, config.limits
    assert isinstance(task, ExamineServer)  # nothing else is examined
    base, source = task.keyless.base, task.keyless.source
    with open_network(context) as network:

        def connect(peer: Peer) -> HttpClient:
            return HttpClient(peer, network, limits, platform.warning)

        def list_models(token: str) -> list[str]:
            session = StudioSession(base, lambda: token, network, limits, platform.warning)
            try:
                answer = session.get(api.MODELS, {"repo": task.repository})
                return api.read_model_names(answer, task.repository)
            finally:
                session.close()

        exchange = (
            token_exchange(base, source, context, network, None, platform.debug) if source else None
        )
        return Visit(
            platform.name,
            lambda: request_server(base, connect),
            exchange,
            task.keyless.no_source,
            task.keyless.given,
            task.repository,
            list_models,
        ).checkup(base)
