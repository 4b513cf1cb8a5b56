"""Promises kept by database triggers, for SQLite and PostgreSQL: what one is, and those of the audit log. Migrations
install them.

The log is only ever added to; what was kept long enough goes by one door (models.AuditDoor), which is open in one
transaction alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Guard:
    """Refuses what sets it off (“DELETE”, “UPDATE OF name”), where `when` holds, and says why."""

    name: str
    table: str
    event: str
    says: str
    when: str = "1 = 1"

    def install(self, schema_editor: Any) -> None:
        says = self.says.replace("'", "''")
        head = f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW"
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF {self.when} THEN RAISE EXCEPTION '{says}' USING ERRCODE = 'check_violation'; END IF; "
                "RETURN COALESCE(NEW, OLD); END $$"
            )
            schema_editor.execute(f"{head} EXECUTE FUNCTION {self.name}()")
        else:
            when = self.when.replace("IS DISTINCT FROM", "IS NOT")  # what older SQLites call it
            schema_editor.execute(f"{head} WHEN {when} BEGIN SELECT RAISE(ABORT, '{says}'); END")

    def remove(self, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {self.name} CASCADE")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {self.name}")


LOG = "accounts_auditentry"
OF_AN_ENTRY = "id, at, act, kind, thing_id, name, detail"
OF_THE_LOG = (
    Guard("audit_never_changes", LOG, f"UPDATE OF {OF_AN_ENTRY}", "what was done never changes"),
    Guard(
        "audit_keeps_its_people",
        LOG,
        "UPDATE OF person_id, workspace_id",
        "what was done never changes",
        "(NEW.person_id IS NOT NULL AND OLD.person_id IS DISTINCT FROM NEW.person_id) OR "
        "(NEW.workspace_id IS NOT NULL AND OLD.workspace_id IS DISTINCT FROM NEW.workspace_id)",
    ),
    Guard(
        "audit_stays",
        LOG,
        "DELETE",
        "what was done stays",
        "NOT EXISTS (SELECT 1 FROM accounts_auditdoor WHERE OLD.at < until)",
    ),
)


def install(apps: Any, schema_editor: Any) -> None:
    for guard in OF_THE_LOG:
        guard.install(schema_editor)


def remove(apps: Any, schema_editor: Any) -> None:
    for guard in OF_THE_LOG:
        guard.remove(schema_editor)
