"""`manage.py import_flow FILE... --workspace SLUG`: flows from files, a JSON line for each file, in their order.

    {"file": <as given>, "flow": <its number, or null>, "problems": [{code, blocks, text, step, pointer}]}

What is incomplete comes in with its problems; what cannot be a flow does not, and never stops the next file.
"""

from __future__ import annotations

import logging
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import Workspace
from accounts.operations import ensure_workspace
from flowbuilder.definition.reading import UnableToImport
from flowbuilder.graph import Problem
from flowbuilder.management.commands.check_flow import as_line, get_ready
from flowbuilder.operations.designs import import_flow
from flowbuilder.queries import Design

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Import flows: create-flow bodies, answers of GET, or bare definitions. Prints one JSON line a file with "
        "the number of the new flow and its problems. Exits 1 if a file could not be imported."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", metavar="FILE", nargs="+")
        parser.add_argument("--workspace", metavar="SLUG", required=True, help="made if it is not there")
        parser.add_argument("--name", default="", help="the name of every flow, in place of the file's")

    def handle(self, *args: Any, **options: Any) -> None:
        get_ready()
        try:
            workspace = ensure_workspace(slug=options["workspace"])
        except ValidationError as error:
            raise CommandError(f"“{options['workspace']}” is no slug: {error.messages[0]}") from None
        failed = 0
        for file in options["files"]:
            flow, problems = import_file(file, workspace, options["name"])
            failed += flow is None
            self.stdout.write(as_line({"file": file, "flow": flow, "problems": problems}))
            self.stdout.flush()
        if failed:
            raise CommandError(f"{failed} of {len(options['files'])} files could not be imported.")


def import_file(file: str, workspace: Workspace, name: str) -> tuple[int | None, list[dict[str, Any]]]:
    """The number of the new flow and its problems; or None and why not, with nothing saved."""
    try:
        content = read_file(file)
        with transaction.atomic():
            flow, read = import_flow(workspace=workspace, by=None, text=content, name=name)
            design = Design(flow)
            return flow.pk, design.told([*read.notes, *design.problems])
    except UnableToImport as refusal:
        return None, [refused(one) for one in refusal.problems]
    except Exception as error:  # one bad file must not stop the next; the log says what it was
        logger.exception("import_flow: %s could not be kept", ascii(file))
        text = (
            f"The flow could not be kept ({type(error).__name__}): something in it is not what we can store."
        )
        return None, [refused(Problem("not-kept", text))]


def read_file(file: str) -> bytes:
    """The file's bytes; of one that is too large, or has no end, never more than the limit."""
    limit = settings.IMPORT_MAX_BYTES
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(limit + 1)
            if len(content) <= limit:
                return content
            size = max(os.fstat(opened.fileno()).st_size, len(content))
    except IsADirectoryError:
        text = f"“{file}” is a directory, not a file."
    except FileNotFoundError:
        text = f"There is no file “{file}”."
    except PermissionError:
        text = f"The file “{file}” may not be read."
    except (OSError, ValueError) as error:
        text = f"The file “{file}” cannot be read: {getattr(error, 'strerror', None) or error}."
    else:
        large = f"The file “{file}” has {size:,} bytes; a flow may have at most {limit:,}."
        raise UnableToImport([Problem("too-large", large)])
    raise UnableToImport([Problem("no-file", text)])


def refused(one: Problem) -> dict[str, Any]:
    """A reason not to import. There is no flow, so there is no body to point into."""
    return {"code": one.code, "blocks": True, "text": one.text, "step": one.step, "pointer": None}
