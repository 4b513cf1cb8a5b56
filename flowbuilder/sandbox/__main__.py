"""`python -m flowbuilder.sandbox`: the sandbox without Django. Same options as `manage.py sandbox`."""

import argparse

from .options import add_arguments, from_arguments
from .server import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m flowbuilder.sandbox", description="A pretend Klaviyo.")
    add_arguments(parser)
    raise SystemExit(serve(from_arguments(vars(parser.parse_args()))))
