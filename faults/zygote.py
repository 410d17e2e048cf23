"""A process that has imported all that commands need, and forks a child for each: a tenth of the time of a new process.

It takes one JSON object a line: `folder` to work in, `environment`, `arguments` of recsys, and files for `out` and
`err`; it answers each with the exit code, negative for a signal.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import signal
import sys
import tempfile
import traceback
from importlib import import_module
from typing import Any

SECONDS = 180  # after which a command is killed by SIGALRM
IMPORTED = (
    *("recsys.api.training", "recsys.api.tuning", "recsys.api.batch", "recsys.api.measuring", "recsys.api.data"),
    *("recsys.cli.app", "recsys.cli.progress", "recsys.workflows.train", "recsys.reporting.report"),
    *("torch", "numba", "optuna", "pyarrow.parquet", "pyarrow.csv", "matplotlib.pyplot", "safetensors.numpy"),
    *("torch._dynamo", "alembic.command", "sqlalchemy.orm"),  # which others import where they are used
    *("recsys.training.sgd.dot_product", "recsys.training.ials.learner", "sqlalchemy.dialects.sqlite"),
)


def main() -> None:
    """Forks until stdin ends."""
    for module in IMPORTED:
        import_module(module)
    arm = ctypes.CDLL(os.environ["LD_PRELOAD"]).faults_arm
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order, arm)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(order: dict[str, Any], arm: Any) -> None:
    """The child: it runs one command and never returns."""
    code = 1
    try:
        os.setsid()
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(order["folder"])
        os.environ.update(order["environment"])
        tempfile.tempdir = None  # it was found by another TMPDIR
        sys.argv = ["recsys", *order["arguments"]]
        signal.alarm(SECONDS)
        arm()
        import_module("recsys.__main__").main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - as at the end of a process
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
