"""Promises kept by database triggers, for SQLite and PostgreSQL. A migration installs them; a test looks for them.

Django has no constraint over two tables and no immutable rows. SQLite drops triggers when a later migration
rebuilds their table: such a migration must install them again.
"""

SQLITE = (
    "CREATE TRIGGER link_stays_in_its_flow_{event} BEFORE {upper} ON flowbuilder_link BEGIN "
    "SELECT RAISE(ABORT, 'a link leaves its flow') WHERE "
    "(SELECT flow_id FROM flowbuilder_action WHERE id = NEW.target_id) IS NOT NEW.flow_id OR "
    "(NEW.source_id IS NOT NULL AND "
    "(SELECT flow_id FROM flowbuilder_action WHERE id = NEW.source_id) IS NOT NEW.flow_id); END"
)
SQLITE_VERSION = (
    "CREATE TRIGGER version_never_changes BEFORE UPDATE OF flow_id, number, document, content_hash "
    "ON flowbuilder_version BEGIN SELECT RAISE(ABORT, 'a version never changes'); END"
)
SQLITE_EDIT = (
    "CREATE TRIGGER edit_never_changes BEFORE UPDATE OF flow_id, number, kind, of_id, name, change, at "
    "ON flowbuilder_edit BEGIN SELECT RAISE(ABORT, 'an edit never changes'); END"
)
POSTGRES_EDIT = """
CREATE FUNCTION edit_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an edit never changes' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER edit_never_changes BEFORE UPDATE OF flow_id, number, kind, of_id, name, change, at
  ON flowbuilder_edit FOR EACH ROW EXECUTE FUNCTION edit_never_changes();
"""
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
CREATE FUNCTION version_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a version never changes' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER version_never_changes BEFORE UPDATE OF flow_id, number, document, content_hash
  ON flowbuilder_version FOR EACH ROW EXECUTE FUNCTION version_never_changes();
"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES)
        return
    for event in ("insert", "update"):
        schema_editor.execute(SQLITE.format(event=event, upper=event.upper()))
    schema_editor.execute(SQLITE_VERSION)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION link_stays_in_its_flow CASCADE")
        schema_editor.execute("DROP FUNCTION version_never_changes CASCADE")
        return
    for name in ("link_stays_in_its_flow_insert", "link_stays_in_its_flow_update", "version_never_changes"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")


def install_edits(apps, schema_editor):
    schema_editor.execute(POSTGRES_EDIT if schema_editor.connection.vendor == "postgresql" else SQLITE_EDIT)


def remove_edits(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION edit_never_changes CASCADE")
    else:
        schema_editor.execute("DROP TRIGGER IF EXISTS edit_never_changes")
