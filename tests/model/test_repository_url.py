from __future__ import annotations

import string
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput
from studio_action.model.repository_url import RepositoryUrl, commit_url

SERVER = "https://git.example.org/base/"

# text: (sent, web, clone URL)
FORMS = {
    "acme/churn": ("acme/churn", "", "https://git.example.org/base/acme/churn.git"),
    "acme/churn.git": ("acme/churn", "", "https://git.example.org/base/acme/churn.git"),
    "git@github.com:acme/churn.git": (
        "git@github.com:acme/churn.git",
        "https://github.com/acme/churn",
        "git@github.com:acme/churn.git",
    ),
    "git@gitlab.com:acme/ml/team/churn.git": (
        "git@gitlab.com:acme/ml/team/churn.git",
        "https://gitlab.com/acme/ml/team/churn",
        "git@gitlab.com:acme/ml/team/churn.git",
    ),
    "git@bitbucket.org:acme/churn.git": (
        "git@bitbucket.org:acme/churn.git",
        "https://bitbucket.org/acme/churn",
        "git@bitbucket.org:acme/churn.git",
    ),
    "git@ssh.dev.azure.com:v3/acme/ml/churn": (
        "git@ssh.dev.azure.com:v3/acme/ml/churn",
        "",
        "git@ssh.dev.azure.com:v3/acme/ml/churn",
    ),
    "github.com:acme/churn": (
        "git@github.com:acme/churn",
        "https://github.com/acme/churn",
        "git@github.com:acme/churn",
    ),
    "https://github.com/acme/churn": (
        "https://github.com/acme/churn",
        "https://github.com/acme/churn",
        "https://github.com/acme/churn.git",
    ),
    "https://gitlab.example.org/acme/ml/churn.git/": (
        "https://gitlab.example.org/acme/ml/churn.git",
        "https://gitlab.example.org/acme/ml/churn",
        "https://gitlab.example.org/acme/ml/churn.git",
    ),
    "http://gitlab.local:8080/git/acme/churn": (
        "http://gitlab.local:8080/git/acme/churn",
        "http://gitlab.local:8080/git/acme/churn",
        "http://gitlab.local:8080/git/acme/churn.git",
    ),
    "https://dev.azure.com/acme/my%20ml/_git/churn": (
        "https://dev.azure.com/acme/my%20ml/_git/churn",
        "https://dev.azure.com/acme/my%20ml/_git/churn",
        "https://dev.azure.com/acme/my%20ml/_git/churn",
    ),
    "https://[::1]:3000/acme/churn": (
        "https://[::1]:3000/acme/churn",
        "https://[::1]:3000/acme/churn",
        "https://[::1]:3000/acme/churn.git",
    ),
    "ssh://git@gitlab.com/a/b/c/repo.git": (
        "ssh://git@gitlab.com/a/b/c/repo.git",
        "https://gitlab.com/a/b/c/repo",
        "ssh://git@gitlab.com/a/b/c/repo.git",
    ),
    "ssh://git@gitlab.example.org:2222/acme/churn.git": (
        "ssh://git@gitlab.example.org:2222/acme/churn.git",
        "https://gitlab.example.org/acme/churn",
        "ssh://git@gitlab.example.org:2222/acme/churn.git",
    ),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.items(), ids=FORMS)
def test_parse__accepted_form(text: str, expected: tuple[str, str, str]) -> None:
    url = RepositoryUrl.parse(text)

    assert (str(url), url.web_url, url.clone_url(SERVER)) == expected


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (
            "https://gitlab-ci-token:t0ps3cret@gitlab.com/acme/churn.git",
            "https://gitlab.com/acme/churn.git",
        ),
        ("https://t0ps3cret@github.com/acme/churn", "https://github.com/acme/churn"),
        (
            "https://github.com/acme/churn?token=t0ps3cret#t0ps3cret",
            "https://github.com/acme/churn",
        ),
        ("ssh://alice:t0ps3cret@host.org/acme/churn", "ssh://git@host.org/acme/churn"),
        ("alice:t0ps3cret@host.org:acme/churn", "git@host.org:acme/churn"),
        ("git@host.org:acme/churn?t0ps3cret", "git@host.org:acme/churn"),
        ("acme/churn?t0ps3cret", "acme/churn"),
    ],
    ids=["https password", "https user", "query", "ssh", "scp-like", "scp-like query", "short"],
)
def test_parse__secret_is_cut(text: str, sent: str) -> None:
    assert str(RepositoryUrl.parse(text)) == sent


NOT_REPOSITORIES = {
    "nothing": "",
    "absolute path": "/srv/git/churn.git",
    "relative path": "./churn",
    "path above": "../acme/churn",
    "path of three": "acme/ml/churn",
    "home": "~/churn",
    "Windows path": r"C:\models\churn",
    "Windows path with slashes": "C:/models/churn",
    "file URL": "file:///srv/git/churn.git",
    "git protocol": "git://github.com/acme/churn",
    "pip's form": "git+https://github.com/acme/churn",
    "space": "acme/my churn",
    "line break": "acme/churn\nacme/other",
    "NUL": "https://github.com/acme/churn\x00",
    "escape": "acme/\x1b[31mchurn",
    "right-to-left": "acme/\u202echurn",
    "no path": "https://github.com",
    "no host": "https:///acme/churn",
    "empty segment": "https://github.com/acme//churn",
    "dots": "https://github.com/acme/../churn",
    "encoded dots": "https://github.com/acme/%2e%2e/churn",
    "encoded line break": "https://github.com/acme/ch%0Aurn",
    "encoded slash": "https://github.com/acme/ch%2Furn",
    "port out of range": "https://github.com:99999/acme/churn",
    "open bracket": "https://[::1/acme/churn",
    "option": "-oProxyCommand=x/y",
    "host like an option": "git@-oProxyCommand:acme/churn",
    "name of dots": "acme/..",
}


@pytest.mark.parametrize("text", NOT_REPOSITORIES.values(), ids=NOT_REPOSITORIES)
def test_parse__not_a_repository(text: str) -> None:
    with pytest.raises(BadInput):
        RepositoryUrl.parse(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("github:acme/churn", "Write https://github.com/acme/churn"),
        ("gitlab:acme/ml/churn", "Write https://gitlab.com/acme/ml/churn"),
        ("bitbucket:acme/churn", "Write https://bitbucket.org/acme/churn"),
        ("github.com/acme/churn", "Write https://github.com/acme/churn"),
    ],
    ids=["github:", "gitlab:", "bitbucket:", "URL without https://"],
)
def test_parse__hint_is_the_right_form(text: str, hint: str) -> None:
    with pytest.raises(BadInput) as caught:
        RepositoryUrl.parse(text)

    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "https://u:t0ps/3cret@host.org/acme/churn",
        "https://u:1/t0ps3cret@host.org/acme/churn",
        "https://u/acme?t0ps3cret@host.org/acme/churn",
        "u.x:t0ps/3cret@host.org:acme/churn",
        "u.x:acme/x?t0ps3cret@host.org:acme/churn",
        "ftp://u:t0ps3cret@host.org/acme/churn",
    ],
    ids=["slash", "slash after a port", "question mark", "scp slash", "scp query", "scheme"],
)
def test_parse__password_that_breaks_the_url_is_not_repeated(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        RepositoryUrl.parse(text)

    shown = "".join(traceback.format_exception(caught.value))
    assert "t0ps" not in shown
    assert "3cret" not in shown


segment = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,9}", fullmatch=True)
secret = st.text(string.ascii_letters + string.digits + "!$&'()*+,;=-._~%:", min_size=1).map(
    lambda text: f"s3cr3t{text}"
)


@given(
    st.sampled_from(["https://{}@{}/{}", "http://{}@{}/{}", "ssh://{}@{}/{}", "{}@{}:{}"]),
    st.builds("{}:{}".format, segment, secret) | secret,
    st.lists(segment, min_size=1, max_size=4).map("/".join),
)
def test_parse__user_info_never_survives(form: str, user_info: str, path: str) -> None:
    url = RepositoryUrl.parse(form.format(user_info, "host.org", path))

    assert url.path == path
    for text in (repr(url), str(url), url.web_url, url.clone_url(SERVER)):
        assert "s3cr3t" not in text


@given(st.text() | st.text("abc/.:@?#%2e~-[]\\ 0") | st.sampled_from(sorted(FORMS)))
def test_parse__what_is_sent_reads_back_as_itself(text: str) -> None:
    try:
        url = RepositoryUrl.parse(text)
    except BadInput:
        return

    assert RepositoryUrl.parse(str(url)) == url


@pytest.mark.parametrize(
    ("text", "by_https", "by_ssh"),
    [
        ("acme/churn", f"{SERVER}acme/churn.git", f"{SERVER}acme/churn.git"),
        ("https://h.org/a/b", "https://h.org/a/b", "https://h.org/a/b"),
        ("git@h.org:a/b.git", "https://h.org/a/b.git", "git@h.org:a/b.git"),
        ("ssh://git@h.org:22/a/b", "https://h.org/a/b.git", "ssh://git@h.org:22/a/b"),
    ],
)
def test_fetched(text: str, by_https: str, by_ssh: str) -> None:
    address = RepositoryUrl.parse(text)
    assert address.fetch_url(SERVER) == by_https
    assert address.fetch_url(SERVER, over_ssh=True) == by_ssh


@pytest.mark.parametrize(
    "other", ["acme/churn", "https://github.com/acme/other", "https://gitlab.com/acme/churn"]
)
def test_same_as(other: str) -> None:
    address = RepositoryUrl.parse("git@github.com:acme/churn.git")
    assert address.same_as(RepositoryUrl.parse("https://GitHub.com/acme/Churn"))
    assert address.same_as(RepositoryUrl.parse("ssh://git@github.com:22/acme/churn.git"))
    assert not address.same_as(RepositoryUrl.parse(other))


@pytest.mark.parametrize(
    ("web", "page"),
    [
        ("https://github.com/a/b", "https://github.com/a/b/commit/c0ffee"),
        ("https://gitlab.example.org/a/b/c", "https://gitlab.example.org/a/b/c/-/commit/c0ffee"),
        ("https://bitbucket.org/a/b", "https://bitbucket.org/a/b/commits/c0ffee"),
        ("https://codeberg.org/a/b", "https://codeberg.org/a/b/commit/c0ffee"),
        ("", ""),
    ],
)
def test_commit_url(web: str, page: str) -> None:
    assert commit_url(web, "c0ffee") == page
