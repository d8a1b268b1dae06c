"""Reads webhooks of Git servers and checks their signatures. Pure.

GitHub, Gitea, Forgejo and Bitbucket sign the body, GitLab sends the secret itself:
https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
https://docs.gitlab.com/user/project/integrations/webhooks/
https://docs.gitea.com/usage/webhooks
https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qs

from studio_action.errors import BadInput
from studio_action.model.repository_url import RepositoryUrl
from studio_action.net import bounded_json

_SIGNATURES = ("x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature", "x-hub-signature")
_EVENTS = ("x-github-event", "x-gitea-event", "x-forgejo-event", "x-event-key")
_PINGS = frozenset({"ping", "diagnostics:ping"})
_NAMES = ("full_name", "path_with_namespace")
_ADDRESSES = (
    *("clone_url", "ssh_url", "html_url"),  # GitHub, Gitea, Forgejo
    *("git_http_url", "git_ssh_url", "http_url", "web_url", "url", "homepage"),  # GitLab
)


def is_genuine(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Return whether the sender knows the secret; False for an empty one. Headers: lower case.

    It takes the same time for an empty one.
    """
    key = secret.encode()
    if token := headers.get("x-gitlab-token"):
        return hmac.compare_digest(token.encode(), key) and bool(key)
    expected = hmac.digest(key, body, "sha256").hex().encode()
    signatures = (headers.get(name, "").removeprefix("sha256=") for name in _SIGNATURES)
    found = [hmac.compare_digest(each.encode(), expected) for each in signatures if each]
    return any(found) and bool(key)


def is_ping(headers: Mapping[str, str]) -> bool:
    """Return whether the Git server only tests the webhook."""
    return any(headers.get(name, "") in _PINGS for name in _EVENTS)


def payload(content_type: str, body: bytes) -> Mapping[str, object]:
    """Return the JSON object in the body, or in its form's field; raise `ValueError` if none."""
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        body = parse_qs(body.decode("ascii"), max_num_fields=10).get("payload", [""])[0].encode()
    document = bounded_json.read(body)
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def addresses(document: Mapping[str, object]) -> list[RepositoryUrl]:
    """Return all names and URLs by which a payload names its repository."""
    found = []
    for text in _repository_texts(document):
        try:
            found.append(RepositoryUrl.parse(text))
        except BadInput:
            continue  # some of these fields hold a page or a label
    return found


def _repository_texts(document: Mapping[str, object]) -> Iterator[str]:
    for part in (document.get("repository"), document.get("project")):
        if isinstance(part, dict):
            yield from _texts(part.get(name) for name in (*_NAMES, *_ADDRESSES))
            yield from _link_texts(part.get("links"))


def _link_texts(links: object) -> Iterator[str]:
    """Yield the URLs in Bitbucket's `{"html": {"href": …}, "clone": [{"href": …}]}`."""
    if not isinstance(links, dict):
        return
    for link in (links.get("html"), links.get("clone")):
        for each in link if isinstance(link, list) else [link]:
            if isinstance(each, dict):
                yield from _texts([each.get("href")])


def _texts(values: Iterable[object]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))
