"""All benchmarks, each in a process of its own; the exit code says whether every goal is met."""

import subprocess
import sys

ALL = ("definition", "editor", "painted", "publisher", "history")
sys.exit(
    max(subprocess.run([sys.executable, "-m", f"benchmarks.{one}"], check=False).returncode for one in ALL)
)
