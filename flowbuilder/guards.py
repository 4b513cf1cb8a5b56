"""Promises kept by database triggers, for SQLite and PostgreSQL. A migration installs them; a test looks for them.

Django has no constraint over two tables, none over a change, and no immutable rows. SQLite drops triggers when a
later migration rebuilds their table: such a migration takes them away before and puts them back after it (`Kept`).
What triggers work out, and refuse nothing, is in worked_out.py.
"""

from collections.abc import Iterable, Mapping
from contextlib import contextmanager

from accounts.guards import Guard

SQLITE = (
    "CREATE TRIGGER link_stays_in_its_flow_{event} BEFORE {upper} ON flowbuilder_link BEGIN "
    "SELECT RAISE(ABORT, 'a link leaves its flow') WHERE "
    "(SELECT flow_id FROM flowbuilder_action WHERE id = NEW.target_id) IS NOT NEW.flow_id OR "
    "(NEW.source_id IS NOT NULL AND "
    "(SELECT flow_id FROM flowbuilder_action WHERE id = NEW.source_id) IS NOT NEW.flow_id); END"
)
POSTGRES = """
CREATE FUNCTION link_stays_in_its_flow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT flow_id FROM flowbuilder_action WHERE id = NEW.target_id) IS DISTINCT FROM NEW.flow_id
     OR (NEW.source_id IS NOT NULL AND
         (SELECT flow_id FROM flowbuilder_action WHERE id = NEW.source_id) IS DISTINCT FROM NEW.flow_id) THEN
    RAISE EXCEPTION 'a link leaves its flow' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER link_stays_in_its_flow BEFORE INSERT OR UPDATE ON flowbuilder_link
  FOR EACH ROW EXECUTE FUNCTION link_stays_in_its_flow();
"""


VERSION = Guard(
    "version_never_changes",
    "flowbuilder_version",
    "UPDATE OF flow_id, number, document, content_hash",
    "a version never changes",
)
EDIT = Guard(
    "edit_never_changes",
    "flowbuilder_edit",
    "UPDATE OF flow_id, number, kind, of_id, name, change, at",
    "an edit never changes",
)


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES)
    else:
        for event in ("insert", "update"):
            schema_editor.execute(SQLITE.format(event=event, upper=event.upper()))
    VERSION.install(schema_editor)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION link_stays_in_its_flow CASCADE")
    else:
        for name in ("link_stays_in_its_flow_insert", "link_stays_in_its_flow_update"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")
    VERSION.remove(schema_editor)


def install_edits(apps, schema_editor):
    EDIT.install(schema_editor)


def remove_edits(apps, schema_editor):
    EDIT.remove(schema_editor)


# --- A publication moves by the publisher's table, and its moves stay written down --------------------------------

GUARDS_OF_MOVES = (  # name, table
    ("publication_begins_asked", "flowbuilder_publication"),
    ("publication_moves_by_the_table", "flowbuilder_publication"),
    ("move_never_changes", "flowbuilder_move"),
    ("move_keeps_its_person", "flowbuilder_move"),
    ("move_stays", "flowbuilder_move"),
)
STAYING = ("move_stays", "receipt_stays", "audit_stays")  # what forbids that rows are taken away
OF_A_MOVE = "id, publication_id, number, from_state, to_state, reason, at, until, attempt_number"
# guard -> (what sets it off, when, what it says). A row that is written as it was is no move. A person who leaves
# the site is taken out of the moves, and nobody is ever put in their place.
WHEN_MOVED = {
    "publication_begins_asked": ("INSERT ON", "NEW.state <> 'asked'", "a publication begins asked"),
    "publication_moves_by_the_table": (
        "UPDATE OF state ON",
        "NEW.state <> OLD.state AND (OLD.state || ' ' || NEW.state) NOT IN ({legal})",
        "a publication does not go that way",
    ),
    "move_never_changes": (f"UPDATE OF {OF_A_MOVE} ON", "1 = 1", "a move never changes"),
    "move_keeps_its_person": ("UPDATE OF by_id ON", "NEW.by_id IS NOT NULL", "a move never changes"),
    "move_stays": ("DELETE ON", "1 = 1", "a move stays"),
}


def guards_of_moves(vendor: str, moves: Mapping[str, Iterable[str]]) -> list[str]:
    """The statements that make the guards, whatever stood there before. `moves`: state -> states it may go to."""
    legal = ", ".join(f"'{start} {end}'" for start, ends in moves.items() for end in ends)
    made = drop_guards_of_moves(vendor)
    for name, table in GUARDS_OF_MOVES:
        event, when, says = WHEN_MOVED[name]
        when = when.format(legal=legal)
        if vendor == "postgresql":
            made += [
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"RAISE EXCEPTION '{says}' USING ERRCODE = 'check_violation'; END $$",
                f"CREATE TRIGGER {name} BEFORE {event} {table} FOR EACH ROW WHEN ({when}) "
                f"EXECUTE FUNCTION {name}()",
            ]
        else:
            body = f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
            made.append(f"CREATE TRIGGER {name} BEFORE {event} {table} WHEN {when} {body}")
    return made


@contextmanager
def lifted(connection):
    """While every row of the database is cleared away. PostgreSQL truncates, which sets off no such guard."""
    if connection.vendor != "sqlite" or "flowbuilder_move" not in connection.introspection.table_names():
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        guards = [(name, sql) for name, sql in cursor.fetchall() if name in STAYING]
        for name, _ in guards:
            cursor.execute(f"DROP TRIGGER {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for _, sql in guards:
                cursor.execute(sql)


def drop_guards_of_moves(vendor: str) -> list[str]:
    if vendor == "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, table in GUARDS_OF_MOVES]
    return [f"DROP TRIGGER IF EXISTS {name}" for name, _ in GUARDS_OF_MOVES]


def install_moves(schema_editor, moves):
    for statement in guards_of_moves(schema_editor.connection.vendor, moves):
        schema_editor.execute(statement)


def remove_moves(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for statement in drop_guards_of_moves(vendor):
        schema_editor.execute(statement)
    if vendor == "postgresql":
        for name, _ in GUARDS_OF_MOVES:
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}")


# --- What was read in an account stays what was read ----------------------------------------------------------------

OF_A_READING = (
    "id, install_id, flow_id, first_at, name, status, definition, emails, "
    "verdict, differences, since, content_hash"
)
READING = Guard(
    "reading_never_changes", "flowbuilder_reading", f"UPDATE OF {OF_A_READING}", "a reading never changes"
)


def install_readings(apps, schema_editor):
    READING.install(schema_editor)


def remove_readings(apps, schema_editor):
    READING.remove(schema_editor)


# --- What a reviewer said stays said -----------------------------------------------------------------------------

OF_A_REVIEW = "id, template_flow_id, version_id, content_hash, description, asked_at"
REVIEWS = (
    Guard(
        "review_never_changes",
        "flowbuilder_review",
        f"UPDATE OF {OF_A_REVIEW}",
        "what was asked of a reviewer never changes",
    ),
    Guard(
        "review_is_decided_once",
        "flowbuilder_review",
        "UPDATE OF verdict, reason, decided_at",
        "a reviewer's word never changes",
        "OLD.verdict <> ''",
    ),
)


def install_reviews(apps, schema_editor):
    """The guards of reviews; and, since the table of versions was rebuilt, theirs again."""
    for guard in REVIEWS:
        guard.install(schema_editor)
    if schema_editor.connection.vendor == "sqlite":
        VERSION.remove(schema_editor)
        VERSION.install(schema_editor)


def remove_reviews(apps, schema_editor):
    for guard in REVIEWS:
        guard.remove(schema_editor)


# --- A receipt is for good -----------------------------------------------------------------------------------------

RECEIPTS = (
    Guard("receipt_never_changes", "flowbuilder_receipt", "UPDATE", "a receipt never changes"),
    Guard("receipt_stays", "flowbuilder_receipt", "DELETE", "a receipt stays"),
)


def install_receipts(apps, schema_editor):
    for guard in RECEIPTS:
        guard.install(schema_editor)


def remove_receipts(apps, schema_editor):
    for guard in RECEIPTS:
        guard.remove(schema_editor)


# --- A second person's word ------------------------------------------------------------------------------------------

OF_AN_APPROVAL = "id, workspace_id, asked_in_id, publication_id, rollout_id, content_hash, asked_at"
_OF_THIS = "(publication_id = NEW.id OR rollout_id = NEW.rollout_id)"
APPROVALS = (
    Guard(
        "approval_never_changes",
        "flowbuilder_approval",
        f"UPDATE OF {OF_AN_APPROVAL}",
        "what was asked of a second person never changes",
    ),
    Guard(
        "approval_is_decided_once",
        "flowbuilder_approval",
        "UPDATE OF verdict, reason, decided_at",
        "a second person's word never changes",
        "OLD.verdict <> '' AND NOT (OLD.verdict = 'yes' AND NEW.verdict = 'lapsed')",
    ),
    Guard(
        "publication_waits_for_a_yes",
        "flowbuilder_publication",
        "UPDATE OF state",
        "a publication waits for a second person's yes",
        "NEW.needs_approval AND OLD.state = 'asked' AND NEW.state NOT IN ('asked', 'approved', 'cancelled')",
    ),
    Guard(
        "publication_has_its_yes",
        "flowbuilder_publication",
        "UPDATE OF state",
        "nobody approved this publication",
        "NEW.needs_approval AND NEW.state = 'approved' AND OLD.state <> 'approved' AND NOT EXISTS "
        f"(SELECT 1 FROM flowbuilder_approval WHERE {_OF_THIS} AND verdict = 'yes')",
    ),
    Guard(
        "publication_goes_on_needing_a_yes",
        "flowbuilder_publication",
        "UPDATE OF needs_approval",
        "a publication goes on needing its yes",
        "OLD.needs_approval AND NOT NEW.needs_approval",
    ),
)


def install_approvals(schema_editor):
    """Whatever stood there before: may be run again after a table was rebuilt."""
    drop_approvals(schema_editor)
    for guard in APPROVALS:
        guard.install(schema_editor)


def drop_approvals(schema_editor):
    for guard in APPROVALS:
        guard.remove(schema_editor)


# --- SQLite makes a table anew to change it, and forgets its triggers -------------------------------------------------


class Kept:
    """The triggers of a table, and those that write into it: taken away before it is made anew, put back as they
    stood. `take` and `put` are the first and the last step of a migration, and each other's reverse."""

    def __init__(self, table):
        self.table = table
        self.triggers = {}

    def take(self, apps, schema_editor):
        if schema_editor.connection.vendor != "sqlite":
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE %s",
                [f"%{self.table}%"],
            )
            self.triggers = dict(cursor.fetchall())
        for name in self.triggers:
            schema_editor.execute(f"DROP TRIGGER {name}")

    def put(self, apps, schema_editor):
        for sql in self.triggers.values():
            schema_editor.execute(sql, None)
        self.triggers = {}
