"""What the database works out by triggers, for SQLite and PostgreSQL, whoever writes: how many publications ended how
on each day, and what went wrong with the calls of each. Migrations install them; guards.py has those that refuse.
"""

# --- What ended is counted, whoever moved it -----------------------------------------------------------------------

COUNTED = "publications_are_counted"
ENDED = "('published', 'refused', 'failed', 'cancelled')"
OF_A_COUNT = "state, created_at, workspace_id, version_id"
COUNT_ONE_LESS = """
  UPDATE flowbuilder_daycount SET number = number - 1
  WHERE of_workspace IN (0, OLD.workspace_id) AND day = {old_day} AND state = OLD.state
    AND of_flow IN (0, (SELECT flow_id FROM flowbuilder_version WHERE id = OLD.version_id))"""
COUNT_ONE_MORE = """
  INSERT INTO flowbuilder_daycount (of_workspace, of_flow, day, state, number)
  SELECT rooms.id, flows.id, {new_day}, NEW.state, 1
  FROM (SELECT 0 AS id UNION ALL SELECT NEW.workspace_id) AS rooms,
    (SELECT 0 AS id UNION ALL SELECT flow_id FROM flowbuilder_version WHERE id = NEW.version_id) AS flows
  WHERE true ORDER BY 1, 2
  ON CONFLICT (of_workspace, of_flow, day, state) DO UPDATE SET number = flowbuilder_daycount.number + 1"""
COUNT_ALL = f"""
  INSERT INTO flowbuilder_daycount (of_workspace, of_flow, day, state, number)
  SELECT one.workspace_id * level.room, version.flow_id * level.flow, {{day}}, one.state, COUNT(*)
  FROM flowbuilder_publication AS one JOIN flowbuilder_version AS version ON version.id = one.version_id,
    (SELECT 0 AS room, 0 AS flow UNION ALL SELECT 1, 0 UNION ALL SELECT 0, 1 UNION ALL SELECT 1, 1) AS level
  WHERE one.state IN {ENDED} GROUP BY 1, 2, 3, 4"""


def day_in_utc(vendor: str, column: str) -> str:
    if vendor == "postgresql":
        return f"({column} AT TIME ZONE 'UTC')::date"
    return f"substr({column}, 1, 10)"


def count_all(vendor: str) -> str:
    """The statement that counts what is there, into an empty table."""
    return COUNT_ALL.format(day=day_in_utc(vendor, "one.created_at"))


def install_counts(apps, schema_editor):
    """A publication begins asked, so only its changes and its end are counted; and all that ended before."""
    vendor = schema_editor.connection.vendor
    less = COUNT_ONE_LESS.format(old_day=day_in_utc(vendor, "OLD.created_at"))
    more = COUNT_ONE_MORE.format(new_day=day_in_utc(vendor, "NEW.created_at"))
    if vendor == "postgresql":
        schema_editor.execute(
            f"CREATE FUNCTION {COUNTED}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF OLD.state IN {ENDED} THEN {less}; END IF; "
            f"IF TG_OP = 'UPDATE' THEN IF NEW.state IN {ENDED} THEN {more}; END IF; END IF; "
            "RETURN NULL; END $$"
        )
        changed = " OR ".join(f"NEW.{one} IS DISTINCT FROM OLD.{one}" for one in OF_A_COUNT.split(", "))
        for event, when in ((f"UPDATE OF {OF_A_COUNT}", f"WHEN ({changed})"), ("DELETE", "")):
            name = f"{COUNTED}_{event[:6].lower()}"
            schema_editor.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON flowbuilder_publication FOR EACH ROW {when} "
                f"EXECUTE FUNCTION {COUNTED}()"
            )
    else:
        less, more = (
            f"{less} AND OLD.state IN {ENDED}",
            more.replace("WHERE true", f"WHERE NEW.state IN {ENDED}"),
        )
        for event, acts in ((f"UPDATE OF {OF_A_COUNT}", f"{less}; {more};"), ("DELETE", f"{less};")):
            name = f"{COUNTED}_{event[:6].lower()}"
            schema_editor.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON flowbuilder_publication BEGIN {acts} END"
            )
    schema_editor.execute(count_all(vendor))


def remove_counts(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {COUNTED} CASCADE")
    else:
        for event in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {COUNTED}_{event}")
    schema_editor.execute("DELETE FROM flowbuilder_daycount")


# --- What went wrong with a call stands on its publication ---------------------------------------------------------

ERRED = "publication_has_its_errors"
WENT_WRONG = {  # error (models.landing.ERRORS) -> of which calls; the rest of the condition is IS_WRONG
    "refused": "outcome = 'refused' AND status IN (400, 409, 422)",
    "access": "status IN (401, 403)",
    "gone": "status IN (404, 410)",
    "limits": "outcome = 'throttled'",
    "klaviyo": "status >= 500",
    "lost": "outcome = 'unknown'",
}
IS_WRONG = "outcome NOT IN ('sent', 'done')"
# event -> which calls change what stands there. Nearly all are sent and done, and change nothing.
ERRING = {
    "INSERT": f"NEW.{IS_WRONG}",
    "UPDATE OF outcome, status": f"OLD.{IS_WRONG} OR NEW.{IS_WRONG}",
    "DELETE": f"OLD.{IS_WRONG}",
}
_CALLS = "SELECT 1 FROM flowbuilder_attempt WHERE publication_id = flowbuilder_publication.id AND"
SET_ERRORS = "UPDATE flowbuilder_publication SET " + ", ".join(
    f"has_error_{error} = EXISTS ({_CALLS} {IS_WRONG} AND {which})" for error, which in WENT_WRONG.items()
)
SET_ALL_ERRORS = f"{SET_ERRORS} WHERE id IN (SELECT publication_id FROM flowbuilder_attempt WHERE {IS_WRONG})"


def install_errors(apps, schema_editor):
    """And those of all calls that were made before."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE FUNCTION {ERRED}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"{SET_ERRORS} WHERE id = COALESCE(NEW.publication_id, OLD.publication_id); RETURN NULL; END $$"
        )
    for event, when in ERRING.items():
        of = "OLD" if event == "DELETE" else "NEW"
        acts = (
            f"EXECUTE FUNCTION {ERRED}()"
            if schema_editor.connection.vendor == "postgresql"
            else f"BEGIN {SET_ERRORS} WHERE id = {of}.publication_id; END"
        )
        schema_editor.execute(
            f"CREATE TRIGGER {ERRED}_{event[:6].lower()} AFTER {event} ON flowbuilder_attempt "
            f"FOR EACH ROW WHEN ({when}) {acts}"
        )
    schema_editor.execute(SET_ALL_ERRORS)


def remove_errors(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {ERRED} CASCADE")
    else:
        for event in ERRING:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {ERRED}_{event[:6].lower()}")
