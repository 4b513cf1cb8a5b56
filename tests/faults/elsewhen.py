"""`python -m tests.faults.elsewhen worker ...`: Celery on a host whose clock can be set while it runs.

The seconds by which it is off are read from the file that FAULTS_CLOCK names, again and again, in every process of
the worker: all of Python's clocks jump, but those that nobody can set. Started by tests/stack.py, for chaos.py.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import time_machine
from celery.__main__ import main

from tests.stack import CLOCK

EVERY = 0.1  # seconds
clock = time_machine.travel(timedelta(0), tick=True).start()
off = 0.0


def follow() -> None:
    global off
    file = Path(os.environ[CLOCK])
    while True:
        told = float(file.read_text() or off) if file.exists() else off
        if told != off:
            clock.shift(timedelta(seconds=told - off))
            off = told
        time.sleep(EVERY)


def begin() -> None:
    threading.Thread(target=follow, daemon=True).start()


if __name__ == "__main__":
    os.register_at_fork(after_in_child=begin)  # a thread stays behind when a process is forked
    begin()
    main()
