"""Make .venv in the checkout, with exactly the locked dependencies. Called by the Makefile; needs Python 3.11+."""

from __future__ import annotations  # an older Python must get as far as saying that it is too old

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed"
UV = "uv==0.13.8"


def main() -> str | None:
    """Nothing when all is well, else a sentence."""
    if sys.version_info < (3, 11):
        found = ".".join(map(str, sys.version_info[:2]))
        return f"This needs Python 3.11 or newer; this is {found}. Say which one: make PYTHON=python3.12 demo"
    wanted = hashlib.sha256((ROOT / "uv.lock").read_bytes() + UV.encode()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted and (VENV / "bin" / "python").exists():
        return None
    if not os.access(ROOT, os.W_OK):
        return f"There is no permission to write in {ROOT}: copy the checkout to a folder of your own."
    print("Setting up: a virtual environment in .venv, with locked dependencies.", file=sys.stderr)
    try:
        if not (VENV / "bin" / "pip").exists():
            subprocess.run(
                [sys.executable, "-m", "venv", "--clear", VENV], check=True, stdout=subprocess.DEVNULL
            )
        python = str(VENV / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", UV], check=True)
        subprocess.run([VENV / "bin" / "uv", "sync", "--frozen", "--inexact", "-q"], check=True, cwd=ROOT)
    except subprocess.CalledProcessError as error:
        what = " ".join(map(str, error.cmd))
        return f"Setting up stopped at: {what}\nWith Debian's Python, first: apt-get install python3-venv"
    except OSError as error:
        return f"Setting up stopped: {error.strerror or error}: {error.filename or VENV}"
    STAMP.write_text(wanted)
    return None


if __name__ == "__main__":
    sys.exit(main())
