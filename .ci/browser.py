"""See that there is a Chromium for the browser tests: one that is here, else Debian's, else Playwright's own."""

import os
import shutil
import subprocess
import sys


def find() -> str | None:
    """The path of an installed Chromium, or None."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def main() -> str | None:
    if find():
        return None
    print("Installing Chromium for the browser tests.", file=sys.stderr)
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False, **quiet
        )
        if find():
            return None
    done = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return (
        None
        if done.returncode == 0
        else "No Chromium could be installed: install one, or set CHROMIUM to its path."
    )


if __name__ == "__main__":
    sys.exit(main())
