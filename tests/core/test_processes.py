from __future__ import annotations

import os
import subprocess
import sys

import pytest

from recsys.core import processes
from recsys.core.processes import has_ended, this_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are known by /proc")


def test_this_process_has_not_ended_and_one_with_its_number_from_before_has() -> None:
    assert not has_ended(this_process())
    machine, number, started = this_process().rsplit(" ", 2)
    assert int(number) == os.getpid()
    assert has_ended(f"{machine} {number} {int(started) - 1}")


def test_a_process_that_is_only_waited_for_has_ended() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        name = f"{processes.machine()} {other.pid} {processes._started(other.pid)}"
        assert not has_ended(name)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(name)


@pytest.mark.parametrize("name", ["", "another/pid:[1] 1 2", "nonsense", " 1 2", "another/pid:[1] x y"])
def test_of_a_process_on_another_machine_nothing_is_known(name: str) -> None:
    assert not has_ended(name)
