"""See that there are PostgreSQL and Redis for tests/faults: those that are here, else Debian's packages.

Only their programs: the tests start servers of their own, and nothing is started here.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = {"postgresql": "initdb", "redis-server": "redis-server"}
NAMED = {"postgresql": "FAULTS_DATABASE_URL", "redis-server": "FAULTS_REDIS_URL"}  # servers to use instead


def missing() -> list[str]:
    """The packages whose programs are not here, and for which no server is named."""
    return [
        package
        for package, program in PROGRAMS.items()
        if not os.environ.get(NAMED[package])
        and not shutil.which(program)
        and not list(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    ]


def main() -> str | None:
    packages = missing()
    if not packages:
        return None
    if shutil.which("apt-get") and os.geteuid() == 0:
        print(f"Installing {' and '.join(packages)} for the fault tests.", file=sys.stderr)
        # RUNLEVEL=1: Debian's packages start no service then
        quiet = {
            "stdout": subprocess.DEVNULL,
            "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
        }
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=False, **quiet
        )
    if left := missing():
        text = f"Without {' and '.join(left)} the publisher is not tested on the real stack, with faults."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            return text
        print(
            f"NOT TESTED: {text} Install them, or set {', '.join(NAMED[one] for one in left)}.",
            file=sys.stderr,
        )
    return None


if __name__ == "__main__":
    sys.exit(main())
