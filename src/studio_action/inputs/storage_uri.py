"""The address of a model as KServe's storage initializer gets it. Pure.

    studio://github.com/acme/models?model=churn&stage=prod

The host and the path are the repository's; the query has inputs of the same names.

https://kserve.github.io/website/docs/model-serving/storage/storage-containers
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from studio_action.errors import BadInput

SCHEME = "studio"
_PARAMETERS = ("model", "version", "stage", "prerelease", "source", "include", "exclude", "layout")
_SHAPE = "Write studio://HOST/OWNER/NAME?model=churn&stage=prod"


def read_storage_uri(text: str) -> dict[str, str]:
    """Return the inputs that a storage URI stands for, by name; raise `BadInput` if it is none.

    Files are put at their path below the model's own, unless `layout` says otherwise: a model
    server expects the model itself at the top of its folder.
    """
    try:
        uri = urlsplit(text)
        query = parse_qsl(uri.query, keep_blank_values=True, strict_parsing=bool(uri.query))
    except ValueError as error:
        raise BadInput(f"the storage URI {text!r} cannot be read: {error}", _SHAPE) from error
    path = uri.path.strip("/")
    if uri.scheme != SCHEME or not uri.netloc or not path or uri.fragment:
        raise BadInput(f"{text!r} is not the address of a model", _SHAPE)
    if "@" in uri.netloc:
        raise BadInput("the storage URI has a user or a password in it", "Give git-token instead")
    inputs = {"repo": f"https://{uri.netloc}/{path}", "layout": "model"}
    for name, value in query:
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise BadInput(f"the storage URI has an unknown parameter {name!r}", f"Known: {known}")
        if name in inputs and name != "layout":
            raise BadInput(f"the storage URI has {name!r} twice", _SHAPE)
        inputs[name] = value
    return inputs
