"""The audit log is only ever added to: the database's own promise, for SQLite and PostgreSQL. A migration installs it.

What was kept long enough goes by one door (models.AuditDoor), which is open in one transaction alone.
"""

from __future__ import annotations

from typing import Any

OF_AN_ENTRY = "id, at, act, kind, thing_id, name, detail"
GUARDS = {  # guard -> (what sets it off, when, what it says)
    "audit_never_changes": (f"UPDATE OF {OF_AN_ENTRY}", "1 = 1", "what was done never changes"),
    "audit_keeps_its_people": (
        "UPDATE OF person_id, workspace_id",
        "(NEW.person_id IS NOT NULL AND OLD.person_id IS DISTINCT FROM NEW.person_id) OR "
        "(NEW.workspace_id IS NOT NULL AND OLD.workspace_id IS DISTINCT FROM NEW.workspace_id)",
        "what was done never changes",
    ),
    "audit_stays": (
        "DELETE",
        "NOT EXISTS (SELECT 1 FROM accounts_auditdoor WHERE OLD.at < until)",
        "what was done stays",
    ),
}


def install(apps: Any, schema_editor: Any) -> None:
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for name, (event, when, says) in GUARDS.items():
        head = f"CREATE TRIGGER {name} BEFORE {event} ON accounts_auditentry FOR EACH ROW"
        if is_postgres:
            schema_editor.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF {when} THEN RAISE EXCEPTION '{says}' USING ERRCODE = 'check_violation'; END IF; "
                "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
            )
            schema_editor.execute(f"{head} EXECUTE FUNCTION {name}()")
        else:
            when = when.replace("IS DISTINCT FROM", "IS NOT")
            schema_editor.execute(f"{head} WHEN {when} BEGIN SELECT RAISE(ABORT, '{says}'); END")


def remove(apps: Any, schema_editor: Any) -> None:
    for name in GUARDS:
        on = " ON accounts_auditentry" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")
