"""Who this machine is to the providers of storages: its environment, its files, its log-ins.

Nothing else asks for any of that: who opens a remote and has no `Identity` gets no credential of
this machine, whatever the remote's options say. So a server opens what it does not know.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.text import printable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_AWS_FILES = {"credentials_file": "credentialpath", "config_file": "configpath"}
_EXCLUDED = ("environment", "visual_studio_code", "shared_token_cache", "managed_identity")


@dataclass(frozen=True, slots=True)
class Identity:
    """What this machine can say of itself; `environ` is the environment, as far as it is asked."""

    environ: Mapping[str, str] = field(repr=False)

    def aws(self, settings: Settings) -> Any:
        """Return a session of botocore's, which finds credentials as Amazon's own programs do."""
        import botocore.session

        session = botocore.session.Session(profile=settings["profile"] or None)
        for variable, option in _AWS_FILES.items():
            if settings[option]:
                session.set_config_variable(variable, settings[option])
        return session

    def azure(self, settings: Settings, transport: Mapping[str, Any]) -> TokenCredential:
        """Return whom Azure's own rules find."""
        from azure.identity import DefaultAzureCredential

        options = (f"exclude_{kind}_credential" for kind in _EXCLUDED)
        return DefaultAzureCredential(
            **{name: settings.flag(name) for name in options}, **transport
        )

    def google(self, scopes: Sequence[str]) -> Any:
        """Return whom Google's own rules find; raises what google-auth raises."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            import google.auth

        return google.auth.default(scopes)[0]


def nobody_for_aws() -> Any:
    """Return a session of botocore's that reads no environment and no file, and finds no
    credentials.
    """
    import botocore.credentials
    import botocore.session

    known = botocore.session.Session.SESSION_VARIABLES
    session = botocore.session.Session({name: (None, None, *known[name][2:]) for name in known})
    for variable in _AWS_FILES:
        session.set_config_variable(variable, "/dev/null")
    session.register_component(
        "credential_provider", botocore.credentials.CredentialResolver(providers=[])
    )
    return session


def no_credentials(settings: Settings) -> BadInput:
    """Return the error for a remote that needs who we are, where we are nobody."""
    return BadInput(
        f"No credentials were provided for the remote {printable(settings.name, 100)!r}"
        f" ({printable(settings.scheme, 20)}://)",
        "Name its url in the server's configuration, among the repository's remotes",
    )
