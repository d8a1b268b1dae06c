"""Ways in which a DVC project keeps a file or folder; each puts one into a draft."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.differential import templates
from tests.differential.drafts import Draft
from tests.differential.project import UPSTREAM, UPSTREAM_REVISION
from tests.differential.templates import Scope
from tests.differential.writing import Content, Raw

MEMBERS = ("config.json", "weights/layer 1.bin", "weights/no", "tokens/é.txt", "012", "empty")


URL = {"frozen": True, "deps": [{"path": "https://example.invalid/m", "etag": '"e"', "size": 3}]}
"""What `dvc import-url` writes besides the output."""


@dataclass(frozen=True, slots=True)
class Output:
    """What was put there: its path relative to the draft's `top`, and its content."""

    path: str
    content: Content


def content_for(draft: Draft, path: str) -> Content:
    """A new file, or a folder of a few."""
    choose = draft.choose
    if not choose.chance():
        return _file(draft, path)
    draft.features.add("folder")
    count = choose.one_of(3, 1, 6)
    chosen = MEMBERS[:count] if choose.chance() else MEMBERS[-count:]
    return {member: _file(draft, f"{path}/{member}") for member in chosen}


def _file(draft: Draft, path: str) -> bytes:
    kind = draft.choose.one_of("text", "CRLF", "binary", "empty", "large")
    text = f"{path} {draft.version}\n"
    if kind == "empty" or path.endswith("/empty"):
        draft.features.add("empty file")
        return b""
    if kind == "CRLF":
        return text.replace("\n", "\r\n").encode() * 3
    if kind == "binary":
        return b"\0\xff" + text.encode() + b"\r\n"
    return text.encode() * (9_000 if kind == "large" else 1)


def in_git(draft: Draft, folder: str) -> Output:
    """No DVC at all."""
    path = draft.fresh(posixpath.join(folder, templates.name(draft).path))
    content = content_for(draft, path)
    executable = draft.choose.chance()
    draft.features |= {"in Git"} | ({"executable in Git"} if executable else set())
    draft.write_all(path, content, executable=executable)
    return Output(path, content)


def added(draft: Draft, folder: str) -> Output:
    """`dvc add`, by DVC 3 or DVC 2."""
    choose = draft.choose
    path = draft.fresh(posixpath.join(folder, templates.name(draft).path))
    content = content_for(draft, path)
    legacy = choose.chance()
    draft.features |= {"*.dvc"} | ({"*.dvc of DVC 2"} if legacy else set())
    remote = choose.one_of("", "", "web", "shelf")
    entry: dict[str, Any] = draft.remote(remote).keep(content, legacy=legacy)
    if remote:
        draft.features.add("remote of an output")
        entry["remote"] = remote
    if isinstance(content, bytes) and choose.chance():
        draft.features.add("executable in DVC")
        entry["isexec"] = True
    name = posixpath.basename(path)
    place, told = posixpath.join(folder, f"{name}.dvc"), {"outs": [{**entry, "path": name}]}
    variant = choose.one_of("usual", "wdir", "another name", "two outputs")
    if variant == "wdir":
        draft.features.add("wdir of a *.dvc")
        place = draft.fresh(f"dvcfiles/d{draft.number()}") + ".dvc"
        wdir = posixpath.relpath(folder or ".", posixpath.dirname(place))
        told = {"wdir": wdir, **told}
    elif variant == "another name":
        place = posixpath.join(folder, f"d{draft.number()}.dvc")
    elif variant == "two outputs":
        other = draft.fresh(posixpath.join(folder, f"other{draft.number()}"))
        second = draft.remote("").keep(other.encode(), legacy=legacy)
        told["outs"].append({**second, "path": posixpath.basename(other)})
    extra = choose.one_of({}, {"meta": {"no": "yes"}, "desc": "a model"}, {"frozen": True}, URL)
    if extra is URL and not isinstance(content, bytes):
        extra = {}
    draft.features |= {"dvc import-url"} if extra is URL else set()
    draft.write(place, draft.document({**extra, **told}))
    return Output(path, content)


def staged(draft: Draft, folder: str) -> Output:
    """The output of a stage of a pipeline."""
    return _stage(draft, folder, f"train{draft.number()}", lambda body: body, "", {})


def for_each_of_a_list(draft: Draft, folder: str) -> Output:
    """One stage for each item of a list, of which one makes the model."""
    choose = draft.choose
    draft.features.add("foreach over a list")
    if choose.chance(of=3):
        draft.features.add("foreach over a list of mappings")
        items: list[Any] = [{"name": each, "n": 1} for each in ("us", "no", "x y")]
        chosen = choose.one_of(0, 1, 2)
        key, expression, shown = str(chosen), "${item.name}", items[chosen]["name"]
    else:
        texts = [
            "us",
            *choose.one_of(("012", "1e3"), ("no", "on"), ("true", "'012'"), ("eu", "x y")),
        ]
        scalars = templates.SCALARS
        items = [Raw(text) if text in scalars else text for text in texts]
        text = choose.one_of(*texts)
        key = shown = scalars.get(text, text)
        expression = "${item}"
    data = _repeated(draft, folder, items)
    if data is not items and key in ("true", "false"):
        key = key.title()  # how DVC names the stage of a boolean that it has from a variable
    name = f"fit{draft.number()}"
    wrap = lambda body: {"foreach": data, "do": body}  # noqa: E731
    return _stage(draft, folder, name, wrap, f"@{key}", {expression: shown})


def for_each_of_a_mapping(draft: Draft, folder: str) -> Output:
    """The same for each key of a mapping."""
    choose = draft.choose
    draft.features.add("foreach over a mapping")
    keys = ["us", *choose.one_of(("no", "yes"), ("eu", "a-b"), ("on", "off"))]
    items = {key: {"name": f"n-{key}", "deep": {"n": [number]}} for number, key in enumerate(keys)}
    key = choose.one_of(*keys)
    expression, shown = choose.one_of(
        ("${key}", key), ("${item.name}", f"n-{key}"), ("${item.deep.n[0]}", str(keys.index(key)))
    )
    data = _repeated(draft, folder, items)
    name = f"each{draft.number()}"
    wrap = lambda body: {"foreach": data, "do": body}  # noqa: E731
    return _stage(draft, folder, name, wrap, f"@{key}", {expression: shown})


def _repeated(draft: Draft, folder: str, items: object) -> object:
    """The items as they are, or as a variable has them."""
    if not draft.choose.chance():
        return items
    draft.features.add("foreach over a variable")
    return "${" + templates.variable(draft, Scope(folder), items) + "}"


def of_a_matrix(draft: Draft, folder: str) -> Output:
    """One stage for each combination."""
    choose = draft.choose
    draft.features.add("matrix")
    texts = {"net": ("cnn", "no"), "size": ("1", "1e3", "012")}
    chosen = {dimension: choose.one_of(*each) for dimension, each in texts.items()}
    raw = {key: [Raw(each) for each in values] for key, values in texts.items()}
    matrix: dict[str, Any] = dict(raw)
    shown = {key: templates.SCALARS.get(text, text) for key, text in chosen.items()}
    if choose.chance(of=3):
        matrix["net"] = "${" + templates.variable(draft, Scope(folder), raw["net"]) + "}"
    key = "-".join(shown.values())
    if choose.chance():
        draft.features.add("matrix of mappings")
        matrix["how"] = [{"kind": "a"}, {"kind": "b"}]
        key += "-how1"
    parts = choose.one_of(
        {"${item.net}-${item.size}": f"{shown['net']}-{shown['size']}"}, {"${key}": key}
    )
    wrap = lambda body: {"matrix": matrix, **body}  # noqa: E731
    return _stage(draft, folder, f"grid{draft.number()}", wrap, f"@{key}", parts)


def _stage(
    draft: Draft,
    folder: str,
    name: str,
    wrap: Callable[[dict[str, Any]], dict[str, Any]],
    suffix: str,
    item: Mapping[str, str],
) -> Output:
    """A stage, its lock and its output; `item` is what must be in the output's path and wdir."""
    choose = draft.choose
    draft.features.add("stage")
    body: dict[str, Any] = {"cmd": "python train.py"}
    wdir = ""
    if choose.chance(of=3):
        draft.features.add("wdir of a stage")
        wdir = (
            choose.one_of("sub", "su b/012", ".", "..")
            if folder
            else choose.one_of("sub", "sub/no")
        )
        body["wdir"] = templates.whole(draft, Scope(folder), wdir)
        if body["wdir"] != wdir:
            draft.features.add("template in wdir")
    base = posixpath.normpath(posixpath.join(folder, wdir))
    own: list[Any] = []
    named = templates.name(draft, Scope(folder, own, base))
    template, path = named.template, named.path
    for expression, text in item.items():
        template, path = f"{expression}/{template}", f"{text}/{path}"
    prefix = f"out{draft.number()}"
    template, path = f"{prefix}/{template}", f"{prefix}/{path}"
    if own:
        body["vars"] = own
    full = posixpath.normpath(posixpath.join(base, path))
    full = full.removeprefix("./")
    content = content_for(draft, full)
    flags, entry = _flags(draft, full, content)
    kind = choose.one_of("outs", "outs", "outs", "metrics", "plots")
    draft.features |= {f"{kind} of a stage"} if kind != "outs" else set()
    body[kind] = [{template: flags} if flags else template]
    match choose.one_of("alone", "after one of Git's", "alone", "after one with an anchor"):
        case "after one of Git's":  # whose flags a careless reader could take for the model's
            draft.features.add("flags of another output")
            body[kind].insert(0, {f"{prefix}/other": {"cache": False}})
        case "after one with an anchor":
            draft.features.add("anchor and merge key")
            merged = {Raw("<<"): Raw("*flags"), **flags}
            body[kind] = [{f"{prefix}/other": Raw("&flags {persist: true}")}, {template: merged}]
    if choose.chance(of=3):
        body["deps"] = ["data.csv"]
    draft.pipeline(folder, "stages")[name] = wrap(body)
    locked: dict[str, Any] = {"cmd": "python train.py", "outs": [{"path": path, **entry}]}
    if choose.chance(of=3):
        locked["deps"] = [{"path": "data.csv", "md5": "0" * 32, "size": 3, "hash": "md5"}]
    locks = draft.locks.setdefault(folder, {})
    locks[name + suffix] = locked
    if choose.chance(of=4):
        draft.features.add("left-over in a lock")
        locks[f"gone{draft.number()}"] = locked
    return Output(full, content)


def _flags(draft: Draft, path: str, content: Content) -> tuple[dict[str, Any], dict[str, object]]:
    """The flags of an output, and what its lock says; it is stored where they tell."""
    choose = draft.choose
    how = choose.one_of("usual", "usual", "usual", "legacy", "cache: false", "remote", "persist")
    if how == "cache: false":
        draft.features.add("cache: false")
        draft.write_all(path, content)
        return {"cache": False}, type(draft.shelf)().keep(content)
    draft.features |= {"lock of DVC 2"} if how == "legacy" else set()
    if how == "remote":
        remote = choose.one_of("web", "shelf")
        draft.features.add("remote of an output")
        return {"remote": remote}, draft.remote(remote).keep(content)
    told = draft.remote("").keep(content, legacy=how == "legacy")
    return {"persist": True, "desc": "no"} if how == "persist" else {}, told


def mixed(draft: Draft, folder: str) -> Output:
    """A folder with parts in Git and parts in DVC."""
    choose = draft.choose
    draft.features.add("folder of Git and DVC")
    path = draft.fresh(posixpath.join(folder, choose.one_of("bundle", "no", "b é")))
    part = f"{path}/weights.bin"
    content = _file(draft, part)
    entry = draft.remote("").keep(content)
    draft.write(f"{part}.dvc", draft.document({"outs": [{**entry, "path": "weights.bin"}]}))
    draft.write(f"{path}/.gitignore", b"/weights.bin\n")
    draft.write(f"{path}/README.md", f"read {draft.version}\n".encode())
    if choose.chance():
        members = {"a/b.bin": b"a\0b", "c": b"c"}
        more = draft.remote("").keep(members)
        draft.write(f"{path}/data.dvc", draft.document({"outs": [{**more, "path": "data"}]}))
    if choose.chance():
        draft.features.add(".dvcignore in a model's folder")
        draft.write(f"{path}/.dvcignore", b"# not this\n*.log\n/secret\n")
        for name in ("x.log", "secret/y", "deep/z.log", "deep/secret/kept"):
            draft.write(f"{path}/{name}", name.encode())
    return Output(path, {"README.md": b"", "weights.bin": b""})


def imported(draft: Draft, folder: str, source: Output) -> Output:
    """`dvc import` of what the upstream project has at a path."""
    choose = draft.choose
    draft.features.add("dvc import")
    name = draft.choose.one_of("imported.bin", "no", "a b")
    path = draft.fresh(posixpath.join(folder, name))
    entry: dict[str, Any] = type(draft.shelf)().keep(source.content)
    if isinstance(source.content, Mapping):
        draft.features.add("dvc import of a folder")
    repo = {"url": UPSTREAM, "rev_lock": UPSTREAM_REVISION}
    if choose.chance():
        repo = {"url": UPSTREAM, "rev": "main", "rev_lock": UPSTREAM_REVISION}
    told = {
        "md5": "0" * 32,
        "frozen": True,
        "deps": [{"path": source.path, "repo": repo}],
        "outs": [{**entry, "path": posixpath.basename(path)}],
    }
    draft.write(f"{path}.dvc", draft.document(told))
    return Output(path, source.content)
