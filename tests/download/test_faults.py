"""Each fault of a storage ends in the right bytes, or in the right error and no secret in it."""

from __future__ import annotations

import gzip
import os
import socket
from dataclasses import replace
from datetime import timedelta

import pytest

from studio_action.errors import (
    ContentMismatch,
    DeadlinePassed,
    ObjectMissing,
    StudioActionError,
    UnexpectedAnswer,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.model.artifact import RemoteFile
from tests.download.conftest import Fetcher, Heard, contents, of
from tests.download.storage import Reply, Request, Storage, running

SECRET = "5ecre7"
LARGE = os.urandom(12_000_003)
SMALL = LARGE[:5000]


def stored(storage: Storage, content: bytes) -> RemoteFile:
    """An object behind a signed URL."""
    return of("model.pkl", f"{storage.put('key', content)}?sig={SECRET}", content)


def failure(fetcher: Fetcher, *files: RemoteFile) -> StudioActionError:
    """The error that fetching ends in, which never shows the signature."""
    with pytest.raises(StudioActionError) as caught:
        fetcher.fetch(*files)
    assert SECRET not in f"{caught.value} {caught.value!r}"
    return caught.value


def part(content: bytes, request: Request, **changes: object) -> Reply:
    """An honest part, with `changes` to the reply."""
    start, last = request.span or (0, len(content) - 1)
    body = content[start : last + 1]
    told = {"Content-Range": f"bytes {start}-{start + len(body) - 1}/{len(content)}"}
    return replace(Reply(206, body, told), **changes)  # type: ignore[arg-type]


# The storage is busy


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 509, 520])
def test_busy_once(storage: Storage, fetcher: Fetcher, status: int) -> None:
    storage.first(Reply(status))

    assert contents(fetcher.fetch(stored(storage, SMALL))) == [SMALL]
    assert fetcher.ticking.slept == [0.25]


@pytest.mark.parametrize(
    ("retry_after", "slept"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("Mon, 06 Jul 2026 00:00:09 GMT", 9.0, id="a date"),
        pytest.param("100000", 300.0, id="too long"),
        pytest.param("soon", 0.25, id="not readable"),
    ],
)
def test_busy_once__retry_after(
    storage: Storage, fetcher: Fetcher, retry_after: str, slept: float
) -> None:
    storage.first(Reply(503, headers={"Retry-After": retry_after}))

    assert contents(fetcher.fetch(stored(storage, SMALL))) == [SMALL]
    assert fetcher.ticking.slept == [slept]


def test_busy_always(storage: Storage, fetcher: Fetcher) -> None:
    storage.always(lambda _: Reply(503, b"<Error><Code>SlowDown</Code></Error>"))

    error = failure(fetcher, stored(storage, SMALL))

    assert isinstance(error, Unreachable)
    assert "HTTP 503 (SlowDown) (3 times)" in error.message
    assert (len(storage.requests), fetcher.ticking.slept) == (3, [0.25, 0.5])


@pytest.mark.parametrize("step", [0.01, 0.03, 0.05, 0.07, 0.09, 0.11, 0.13])
def test_busy_always__the_wait_ends_while_the_clock_is_looked_at(
    storage: Storage, fetcher: Fetcher, step: float
) -> None:
    storage.always(lambda _: Reply(500))
    fetcher.ticking.step = step

    assert isinstance(failure(fetcher, stored(storage, SMALL)), Unreachable)
    assert len(storage.requests) == 3


def test_slow_down__one_rest_for_all(storage: Storage, fetcher: Fetcher) -> None:
    """What was under way is one complaint; then everybody waits once."""
    storage.first(*[Reply(429, headers={"Retry-After": "3"})] * 4)
    bodies = [LARGE[at : at + 5000] for at in range(8)]
    files = [of(f"f{at}", storage.put(f"f{at}", body), body) for at, body in enumerate(bodies)]

    assert contents(fetcher.fetch(*files)) == bodies
    assert fetcher.ticking.slept == [3.0]


def test_slow_down__once_in_a_large_file(storage: Storage, fetcher: Fetcher) -> None:
    seen: list[Request] = []

    def script(request: Request) -> Reply | None:
        seen.append(request)
        return Reply(503) if len(seen) == 2 else None

    storage.always(script)

    assert contents(fetcher.fetch(stored(storage, LARGE))) == [LARGE]


# The connection breaks


@pytest.mark.parametrize("reset", [False, True], ids=["cut", "reset"])
def test_broken_in_mid_body(storage: Storage, fetcher: Fetcher, reset: bool) -> None:
    storage.always(
        lambda request: (
            part(LARGE, request, cut=3_000_000, reset=reset) if len(storage.requests) == 1 else None
        )
    )

    (fetched,) = fetcher.fetch(stored(storage, LARGE))

    assert fetched.partial.read_bytes() == LARGE
    assert fetched.transferred == len(LARGE), "nothing is fetched twice"


def test_broken_in_mid_body__small(storage: Storage, fetcher: Fetcher) -> None:
    storage.first(Reply(200, SMALL, cut=1000))

    assert contents(fetcher.fetch(stored(storage, SMALL))) == [SMALL]


def test_broken_always(storage: Storage, fetcher: Fetcher) -> None:
    storage.always(lambda _: Reply(200, SMALL, cut=1000))

    error = failure(fetcher, stored(storage, SMALL))

    assert isinstance(error, Unreachable)
    assert len(storage.requests) == 3


def test_broken_always__without_range(storage: Storage, fetcher: Fetcher) -> None:
    """Megabytes come each time, but never the rest: that is no progress."""
    storage.always(lambda _: Reply(200, LARGE, cut=4_000_000))

    assert isinstance(failure(fetcher, stored(storage, LARGE)), Unreachable)
    assert len(storage.requests) <= 5


def test_no_answer_at_all(storage: Storage, fetcher: Fetcher) -> None:
    storage.first(Reply(cut=0, reset=True))

    assert contents(fetcher.fetch(stored(storage, SMALL))) == [SMALL]


def test_nobody_listens(fetcher: Fetcher) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/key?sig={SECRET}"

        error = failure(fetcher, RemoteFile("model.pkl", url))

    assert isinstance(error, Unreachable)
    assert error.message.startswith("'model.pkl' (from 127.0.0.1) cannot be fetched: ")


@pytest.mark.parametrize("cut", [None, 1000, 3_000_000], ids=["at once", "early", "late"])
def test_stalled_once(storage: Storage, fetcher: Fetcher, cut: int | None) -> None:
    fetcher.timeout, fetcher.retries = 0.2, 8
    fetcher.real_time = True
    storage.always(
        lambda request: (
            part(LARGE, request, cut=cut, hang=True) if len(storage.requests) == 1 else None
        )
    )

    (fetched,) = fetcher.fetch(stored(storage, LARGE))

    assert fetched.partial.read_bytes() == LARGE
    assert fetched.transferred == len(LARGE)


def test_stalled_always(storage: Storage, fetcher: Fetcher) -> None:
    fetcher.timeout, fetcher.retries = 0.1, 1
    fetcher.real_time = True
    storage.always(lambda _: Reply(hang=True))

    error = failure(fetcher, stored(storage, SMALL))

    assert isinstance(error, Unreachable)
    assert "no data for 100 ms (2 times)" in error.message


# The content is wrong


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_corrupted_once(storage: Storage, fetcher: Fetcher, content: bytes) -> None:
    def script(request: Request) -> Reply | None:
        if len(storage.requests) > 1:
            return None
        honest = part(content, request)
        return replace(honest, body=bytes([honest.body[0] ^ 1]) + honest.body[1:])

    storage.always(script)

    (fetched,) = fetcher.fetch(stored(storage, content))

    assert fetched.partial.read_bytes() == content
    assert fetched.transferred == 2 * len(content)
    assert fetcher.heard == Heard(len(content), len(content), 1)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_corrupted_always(storage: Storage, fetcher: Fetcher, content: bytes) -> None:
    file = stored(storage, content)
    storage.put("key", bytes([content[0] ^ 1]) + content[1:])

    error = failure(fetcher, file)

    assert isinstance(error, ContentMismatch)
    assert f"its storage key says {file.digest}" in error.message


def test_corrupted__not_looked_at(storage: Storage, fetcher: Fetcher) -> None:
    fetcher.verify = "off"
    file = stored(storage, SMALL)
    storage.put("key", b"\0" + SMALL[1:])

    (fetched,) = fetcher.fetch(file)

    assert (fetched.partial.read_bytes(), fetched.verified) == (b"\0" + SMALL[1:], "off")


def test_legacy_text(storage: Storage, fetcher: Fetcher) -> None:
    content = b"one\r\ntwo\r\n" * 100_000
    file = of("notes.txt", storage.put("key", content), content.replace(b"\r\n", b"\n"))
    assert file.digest is not None
    legacy = replace(file, digest=replace(file.digest, algorithm="md5-dos2unix"))

    (fetched,) = fetcher.fetch(legacy)

    assert (fetched.partial.read_bytes(), fetched.verified) == (content, "md5-dos2unix")


def test_legacy_binary(storage: Storage, fetcher: Fetcher) -> None:
    file = of("model.pkl", storage.put("key", SMALL), SMALL, "md5-dos2unix")

    (fetched,) = fetcher.fetch(file)

    assert fetched.verified == "md5"


@pytest.mark.parametrize("right", [True, False])
def test_content_md5(storage: Storage, fetcher: Fetcher, right: bool) -> None:
    md5 = "XUFAKrxLKna5cZ2REBfFkg==" if right else "AAAAAAAAAAAAAAAAAAAAAA=="
    storage.always(lambda _: Reply(200, b"hello", {"Content-MD5": md5}))
    file = RemoteFile("model.pkl", f"{storage.url}/key")

    if right:
        assert [each.verified for each in fetcher.fetch(file)] == ["content-md5"]
    else:
        assert isinstance(failure(fetcher, file), ContentMismatch)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_size_is_not_the_promised_one(storage: Storage, fetcher: Fetcher, content: bytes) -> None:
    file = replace(stored(storage, content), size=len(content) + 1)

    assert isinstance(failure(fetcher, file), ContentMismatch)
    assert len(storage.requests) == 1


def test_gzip(storage: Storage, fetcher: Fetcher) -> None:
    body = gzip.compress(SMALL)
    storage.always(lambda _: Reply(200, body, {"Content-Encoding": "gzip"}))

    error = failure(fetcher, stored(storage, SMALL))

    assert isinstance(error, Unreachable)
    assert storage.requests[0].headers["accept-encoding"] == "identity"


# The signature ends


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(403, b"<Error><Code>AccessDenied</Code></Error>"), id="S3"),
        pytest.param(Reply(400, b"<Error><Code>ExpiredToken</Code></Error>"), id="S3, session"),
        pytest.param(Reply(403, b"", {"x-ms-error-code": "AuthenticationFailed"}), id="Azure"),
        pytest.param(Reply(410), id="nginx"),
        pytest.param(Reply(401), id="no reason"),
    ],
)
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_expired_before_use(
    storage: Storage, fetcher: Fetcher, reply: Reply, content: bytes
) -> None:
    file = stored(storage, content)
    fetcher.renewals = [{"model.pkl": f"{storage.url}/key?sig=new"}]
    storage.always(lambda request: None if request.path.endswith("=new") else reply)

    assert contents(fetcher.fetch(file)) == [content]
    assert fetcher.renewed == 1


def test_expired_before_use__known_ahead(storage: Storage, fetcher: Fetcher) -> None:
    file = replace(stored(storage, SMALL), expires=fetcher.utc - timedelta(seconds=1))
    fetcher.renewals = [{"model.pkl": f"{storage.url}/key?sig=new"}]

    assert contents(fetcher.fetch(file)) == [SMALL]
    assert [request.path for request in storage.requests] == ["/key?sig=new"]


def test_expired_before_use__clocks_differ(storage: Storage, fetcher: Fetcher) -> None:
    """A new URL that seems to have ended is tried all the same."""
    file = replace(stored(storage, LARGE), expires=fetcher.utc - timedelta(hours=2))
    expires = int((fetcher.utc - timedelta(hours=1)).timestamp())
    fetcher.renewals = [{"model.pkl": f"{storage.url}/key?Expires={expires}"}]

    assert contents(fetcher.fetch(file)) == [LARGE]
    assert fetcher.renewed == 1


def test_expired_in_mid_file(storage: Storage, fetcher: Fetcher) -> None:
    """Parts that run go on; the others are asked for where they were, with one new URL for all."""
    file = stored(storage, LARGE)
    fetcher.renewals = [{"model.pkl": f"{storage.url}/key?sig=new"}]
    storage.always(
        lambda request: (
            Reply(403) if request.span != (0, 8388607) and SECRET in request.path else None
        )
    )

    (fetched,) = fetcher.fetch(file)

    assert fetched.partial.read_bytes() == LARGE
    assert (fetcher.renewed, fetched.transferred) == (1, len(LARGE))


def test_expired_in_mid_model(storage: Storage, fetcher: Fetcher) -> None:
    """One renewal serves the files under way and those that nobody has asked for yet."""
    bodies = [LARGE[at : at + 3000] for at in range(60)]
    files = [
        of(f"f{at}", f"{storage.put(f'f{at}', body)}?sig={SECRET}", body)
        for at, body in enumerate(bodies)
    ]
    fetcher.renewals = [{f"f{at}": f"{storage.url}/f{at}?sig=new" for at in range(60)}]
    storage.always(
        lambda request: (
            Reply(403) if len(storage.requests) > 20 and SECRET in request.path else None
        )
    )

    assert contents(fetcher.fetch(*files)) == bodies
    assert fetcher.renewed == 1
    assert len(storage.requests) <= 64


def test_expired_again_and_again(storage: Storage, fetcher: Fetcher) -> None:
    """Each URL is good for one request: slow, but it works."""
    file = stored(storage, LARGE)
    fetcher.max_connections = 1
    fetcher.renewals = [{"model.pkl": f"{storage.url}/key?sig={each}"} for each in range(20)]
    used: set[str] = set()

    def script(request: Request) -> Reply | None:
        if request.path in used:
            return Reply(403)
        used.add(request.path)
        return None

    storage.always(script)

    assert contents(fetcher.fetch(file)) == [LARGE]


def test_expired_twice_in_mid_model(storage: Storage, fetcher: Fetcher) -> None:
    """A file that is begun late may find that its new URL has ended, too."""
    fetcher.max_connections = 1
    files = [of(f"f{at}", f"{storage.put(f'f{at}', SMALL)}?sig=0", SMALL) for at in range(3)]
    fetcher.renewals = [
        {f"f{at}": f"{storage.url}/f{at}?sig={turn}" for at in range(3)} for turn in (1, 2)
    ]
    storage.always(lambda request: None if request.path in good else Reply(403))
    good = {"/f0?sig=0", "/f1?sig=1", "/f2?sig=2"}

    assert contents(fetcher.fetch(*files)) == [SMALL] * 3
    assert fetcher.renewed == 2


def test_refused_for_good__one_file_of_many(storage: Storage, fetcher: Fetcher) -> None:
    fetcher.max_connections = 1
    files = [of(f"f{at}", f"{storage.put(f'f{at}', SMALL)}?sig=0", SMALL) for at in range(3)]
    fetcher.renewals = [{f"f{at}": f"{storage.url}/f{at}?sig=1" for at in range(3)}]
    storage.always(lambda request: Reply(403) if request.path.startswith("/f2") else None)

    assert isinstance(failure(fetcher, *files), Unreachable)
    assert fetcher.renewed == 1


def test_refused_for_good(storage: Storage, fetcher: Fetcher) -> None:
    fetcher.renewals = [{"model.pkl": f"{storage.url}/key?sig={SECRET}"}]
    quoted = f"<Error><Code>SignatureDoesNotMatch</Code><Message>{SECRET}</Message></Error>"
    storage.always(lambda _: Reply(403, quoted.encode()))

    error = failure(fetcher, stored(storage, SMALL))

    assert isinstance(error, Unreachable)
    assert "HTTP 403 (SignatureDoesNotMatch), again after its URL was renewed" in error.message
    assert "Studio's own credentials" in error.hint
    assert (len(storage.requests), fetcher.renewed) == (2, 1)


def test_renewal_without_the_file(storage: Storage, fetcher: Fetcher) -> None:
    fetcher.renewals = [{"other.pkl": f"{storage.url}/key?sig=new"}]
    storage.always(lambda _: Reply(403))

    assert isinstance(failure(fetcher, stored(storage, SMALL)), UnexpectedAnswer)


def test_renewal_fails(storage: Storage, fetcher: Fetcher) -> None:
    """What the registry raises comes out, from the thread that called."""
    storage.always(lambda _: Reply(403))

    with pytest.raises(IndexError):
        fetcher.fetch(stored(storage, SMALL))


# The storage answers something else


def test_missing(storage: Storage, fetcher: Fetcher) -> None:
    error = failure(fetcher, RemoteFile("model.pkl", f"{storage.url}/none?sig={SECRET}"))

    assert isinstance(error, ObjectMissing)
    assert "HTTP 404 (NoSuchKey)" in error.message
    assert "dvc push" in error.hint
    assert len(storage.requests) == 1


def test_missing__never_pushed(storage: Storage, fetcher: Fetcher) -> None:
    error = failure(fetcher, RemoteFile("model.pkl", f"{storage.url}/none", pushed=False))

    assert "The output is `push: false`" in error.hint
    assert "dvc push" not in error.hint


@pytest.mark.parametrize("status", [201, 204, 304, 400, 405, 418, 501])
def test_final(storage: Storage, fetcher: Fetcher, status: int) -> None:
    storage.always(lambda _: Reply(status))

    error = failure(fetcher, stored(storage, SMALL))

    assert isinstance(error, Unreachable)
    assert f"HTTP {status}" in error.message
    assert len(storage.requests) == 1


@pytest.mark.parametrize("content", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_no_length(storage: Storage, fetcher: Fetcher, content: bytes) -> None:
    storage.always(lambda _: Reply(200, content, length=None))

    (fetched,) = fetcher.fetch(stored(storage, content))

    assert (fetched.partial.read_bytes(), fetched.verified) == (content, "md5")


def test_no_length__and_no_digest(storage: Storage, fetcher: Fetcher) -> None:
    storage.always(lambda _: Reply(200, LARGE, length=None))

    (fetched,) = fetcher.fetch(RemoteFile("model.pkl", f"{storage.url}/key"))

    assert (fetched.partial.read_bytes(), fetched.verified) == (LARGE, "none")


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_part_sent_as_200(storage: Storage, fetcher: Fetcher, content: bytes) -> None:
    storage.always(lambda request: part(content, request, status=200))

    (fetched,) = fetcher.fetch(stored(storage, content))

    assert fetched.partial.read_bytes() == content
    assert fetched.transferred == len(content)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("bytes 1-8388607/12000003", id="other start"),
        pytest.param("bytes 0-9999999/12000003", id="longer than asked"),
        pytest.param("bytes 0-8388607/*", id="no size"),
        pytest.param("bytes 8388607-0/12000003", id="backwards"),
        pytest.param("bytes 0-8388607/100", id="beyond the end"),
        pytest.param("multipart", id="not readable"),
    ],
)
def test_wrong_content_range(storage: Storage, fetcher: Fetcher, wrong: str) -> None:
    """Such a storage is not asked for parts any more."""

    def script(request: Request) -> Reply | None:
        if request.span is None:
            return None
        return part(LARGE, request, headers={"Content-Range": wrong})

    storage.always(script)

    assert contents(fetcher.fetch(stored(storage, LARGE))) == [LARGE]
    assert storage.requests[-1].span is None


def test_shorter_part_than_asked(storage: Storage, fetcher: Fetcher) -> None:
    def script(request: Request) -> Reply:
        start, last = request.span or (0, 0)
        return part(LARGE, Request("/", {"range": f"bytes={start}-{min(last, start + 2999999)}"}))

    storage.always(script)

    (fetched,) = fetcher.fetch(stored(storage, LARGE))

    assert fetched.partial.read_bytes() == LARGE
    assert fetched.transferred == len(LARGE)


def test_more_than_promised(storage: Storage, fetcher: Fetcher) -> None:
    storage.first(Reply(206, SMALL * 3, {"Content-Range": "bytes 0-4999/5000"}, length=None))

    assert contents(fetcher.fetch(stored(storage, SMALL))) == [SMALL]


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_more_than_promised__always(storage: Storage, fetcher: Fetcher, content: bytes) -> None:
    def script(request: Request) -> Reply:
        honest = part(content, request, length=None)
        return replace(honest, body=honest.body + b"!")

    storage.always(script)

    error = failure(fetcher, stored(storage, content))

    assert "received more bytes than expected (3 times)" in error.message
    assert len(storage.requests) < 20


def test_range_not_satisfiable(storage: Storage, fetcher: Fetcher) -> None:
    """A storage that cannot do parts says so in its own way."""
    storage.always(lambda request: Reply(416) if request.span else None)

    assert contents(fetcher.fetch(stored(storage, SMALL))) == [SMALL]


@pytest.mark.parametrize("honoured", [True, False], ids=["If-Range heeded", "If-Range ignored"])
@pytest.mark.parametrize("known", [True, False], ids=["digest", "no digest"])
def test_changed_in_mid_file(
    storage: Storage, fetcher: Fetcher, honoured: bool, known: bool
) -> None:
    """The parts of two versions are never mixed."""
    before, after = os.urandom(len(LARGE)), LARGE
    file = stored(storage, LARGE) if known else RemoteFile("model", storage.put("key", LARGE))

    def script(request: Request) -> Reply:
        content = before if len(storage.requests) == 1 else after
        if not honoured:
            request = Request(request.path, {"range": request.headers.get("range", "")})
        return storage.serve(request, content)

    storage.always(script)

    assert contents(fetcher.fetch(file)) == [after]


def test_changing_all_the_time(storage: Storage, fetcher: Fetcher) -> None:
    def script(request: Request) -> Reply:
        return part(
            LARGE,
            request,
            headers={**part(LARGE, request).headers, "ETag": f'"{len(storage.requests)}"'},
        )

    storage.always(script)

    error = failure(fetcher, stored(storage, LARGE))

    assert isinstance(error, Unreachable)
    assert "the file has another ETag or date than before" in error.message


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(storage: Storage, fetcher: Fetcher, status: int) -> None:
    file = stored(storage, LARGE)
    target = storage.put("there", LARGE)
    storage.always(
        lambda request: (
            Reply(status, b"elsewhere", {"Location": target})
            if request.path.startswith("/key")
            else None
        )
    )

    assert contents(fetcher.fetch(file)) == [LARGE]


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1/x",
        "dict://127.0.0.1/x",
        f"/key?sig={SECRET}",
    ],
    ids=["file", "ftp", "gopher", "dict", "to itself"],
)
def test_redirect__refused(storage: Storage, fetcher: Fetcher, location: str) -> None:
    storage.always(lambda _: Reply(302, headers={"Location": location}))

    assert isinstance(failure(fetcher, stored(storage, SMALL)), Unreachable)
    assert len(storage.requests) <= 6


@pytest.mark.parametrize("line", ["Authorization: Bearer s3cret", "X-Token: s3cret"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect__a_remotes_header_goes_to_its_own_host_alone(
    storage: Storage, fetcher: Fetcher, line: str, status: int
) -> None:
    with running() as other:
        target = other.put("there", LARGE)
        storage.always(lambda _: Reply(status, headers={"Location": target}))
        file = replace(stored(storage, LARGE), headers=(line,))

        failed = failure(fetcher, file)

    assert isinstance(failed, Unreachable)
    assert "s3cret" not in str(failed)
    assert all(request.headers[line.split(":")[0].lower()] for request in storage.requests)
    assert not other.requests


def test_redirect__nowhere(storage: Storage, fetcher: Fetcher) -> None:
    storage.always(lambda _: Reply(302))

    assert isinstance(failure(fetcher, stored(storage, SMALL)), Unreachable)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "key", "", "http://\0"])
def test_url_of_another_kind(fetcher: Fetcher, url: str) -> None:
    assert isinstance(failure(fetcher, RemoteFile("model.pkl", url)), Unreachable)


# Limits of our own


@pytest.mark.parametrize("busy", [True, False], ids=["between attempts", "in mid-answer"])
def test_deadline(storage: Storage, fetcher: Fetcher, busy: bool) -> None:
    fetcher.deadline, fetcher.real_time = 0.3, True
    storage.always(
        lambda _: Reply(503, headers={"Retry-After": "60"}) if busy else Reply(hang=True)
    )

    assert isinstance(failure(fetcher, stored(storage, SMALL)), DeadlinePassed)


def test_disk_full__before_the_first_byte(storage: Storage, fetcher: Fetcher) -> None:
    file = replace(stored(storage, SMALL), size=1 << 60)

    error = failure(fetcher, file)

    assert isinstance(error, WorkspaceRefused)
    assert "needs 1152921.5 TB more" in error.message
    assert storage.requests == []


def test_disk_full__when_the_size_is_told(storage: Storage, fetcher: Fetcher) -> None:
    headers = {"Content-Range": f"bytes 0-8388607/{1 << 59}"}
    storage.always(lambda _: Reply(206, LARGE[: 8 << 20], headers, hang=True, cut=1 << 20))

    assert isinstance(failure(fetcher, stored(storage, SMALL)), WorkspaceRefused)


def test_first_failure_stops_the_rest(storage: Storage, fetcher: Fetcher) -> None:
    files = [stored(storage, LARGE), RemoteFile("none", f"{storage.url}/none")]
    storage.pace = 0.01

    assert isinstance(failure(fetcher, *files), ObjectMissing)


@pytest.mark.parametrize("length", [-1, None], ids=["told", "not told"])
def test_no_more_than_is_wanted(storage: Storage, fetcher: Fetcher, length: int | None) -> None:
    storage.always(lambda _: Reply(200, LARGE, length=length))
    file = replace(stored(storage, LARGE), largest=1_000_000)

    error = failure(fetcher, file)

    assert isinstance(error, UnexpectedAnswer)
    assert "'model.pkl' has more than 1000000 bytes" in error.message
    kept = sum(each.stat().st_size for each in fetcher.folder.rglob("*") if each.is_file())
    assert kept < 2_000_000


def test_as_much_as_is_wanted(storage: Storage, fetcher: Fetcher) -> None:
    storage.always(lambda _: Reply(200, LARGE, length=None))

    fetched = fetcher.fetch(replace(stored(storage, LARGE), largest=len(LARGE)))

    assert contents(fetched) == [LARGE]
