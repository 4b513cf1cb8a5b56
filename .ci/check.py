"""Run what must hold, and stop at the first that does not: format, lint, types, imports, migrations, tests."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
TYPED = [
    "flowbuilder/graph",
    "flowbuilder/kinds",
    "flowbuilder/definition",
    "flowbuilder/publisher",
    "flowbuilder/operations",
    "flowbuilder/sandbox",
    "accounts/klaviyo",
]
LINT = [
    [BIN / "ruff", "format", "--check", "-q", "."],
    [BIN / "ruff", "check", "-q", "."],
    [
        BIN / "djade",
        "--check",
        "--target-version",
        "5.2",
        *sorted(map(str, ROOT.glob("templates/**/*.html"))),
    ],
    [BIN / "mypy", *TYPED],
    [BIN / "lint-imports", "--no-cache"],
    [BIN / "python", "manage.py", "makemigrations", "--check", "--dry-run", "-v0"],
    [BIN / "uv", "lock", "--check", "--offline", "-q"],
]
PYTEST = [BIN / "python", "-m", "pytest", "-q", "--durations=10"]
# The browser's tests come after the others and one at a time: a busy machine makes a slow page, not a wrong one.
TESTS = [
    [*PYTEST, "-n", "2", "--dist", "loadfile", "--ignore=tests/browser"],
    [*PYTEST, "tests/browser"],
]


def main(arguments: list[str]) -> int:
    for command in LINT if "--lint" in arguments else LINT + TESTS:
        print(
            "·",
            " ".join(Path(str(part)).name if "/" in str(part) else str(part) for part in command[:4]),
            flush=True,
        )
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
