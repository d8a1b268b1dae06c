"""Answer as `dvc artifacts get` does; needs an interpreter that has the real dvc.

Each line of standard input is a JSON list, the words after `dvc`; each line of standard output is
the answer: `{"code": EXIT CODE, "said": WHAT WAS WRITTEN}`. The files are wherever the words say.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys

from dvc.cli import main as dvc


class Said(logging.Handler):
    """What dvc logs, in lines; its own handlers write to a stream that they keep."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        while error is not None:
            self.lines.append(f"{type(error).__name__}: {error}")
            error = error.__cause__ or error.__context__


def answer(words: list[str]) -> dict[str, object]:
    said = Said()
    logging.getLogger("dvc").addHandler(said)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = dvc(words)
    finally:
        logging.getLogger("dvc").removeHandler(said)
    return {"code": code, "said": "\n".join(said.lines)}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what dvc's own children print is no answer
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
