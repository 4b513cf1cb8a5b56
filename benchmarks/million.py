"""A history of a million publications, made by PostgreSQL itself in a minute or two. For history.py, which measures it.

    prepare()           what all databases share: people, workspaces, accounts, versions; returns who looks at the pages
    fill(number)        so many publications of the year before, with their calls, moves, receipts and sums

The year is the same however many there are: a hundred times the rows are a hundred times as many a day. Open are always
OPEN of them. Triggers and foreign keys rest meanwhile: rows that ended long ago could not be put in otherwise, and the
sums come from the migration's own statement.
"""

from __future__ import annotations

from typing import Any

SMALL_ROOM = 200  # publications of the small workspace, however many there are
OPEN, ACCOUNTS, SHOPS, FLOWS, PEOPLE, ROLLOUTS = 500, 2000, 300, 40, 400, 30

# n: 1 and up. A third are the big partner's own, the first ones the small workspace's, the rest the shops'.
PUBLICATIONS = f"""
INSERT INTO flowbuilder_publication (workspace_id, install_id, version_id, account_id, asked_by_id, kind, rollout_id,
    wave, wanted, flow_name, answers, shape, needs_approval, approved_hash, state, reason, refusals, not_before,
    lease_until, attempt_number, sent_at, klaviyo_flow_id, created_at, ended_at, tidy_at)
SELECT CASE WHEN n <= {SMALL_ROOM} THEN {{small}} WHEN n % 3 = 0 THEN {{big}} ELSE {{shop}} + n % {SHOPS} END,
    NULL, {{version}} + (n * 7) % {FLOWS}, {{account}} + (n * 13) % {ACCOUNTS}, {{person}} + (n * 11) % {PEOPLE},
    CASE WHEN n % 10 = 0 THEN 'update' ELSE 'create' END,
    CASE WHEN n % 50 = 0 THEN {{rollout}} + (n / 50) % {ROLLOUTS} END, NULL, '{{{{}}}}',
    (ARRAY['Abandoned cart','Birthday','Price drop','Welcome','Win-back','Browse abandonment','Sunset','Thank you'])
        [1 + n % 8] || ' ' || n % {FLOWS}, '{{{{}}}}', '{{{{}}}}', false, '',
    CASE WHEN n > {{number}} - {OPEN} THEN (ARRAY['waiting','waiting','waiting','unknown','asked'])[1 + n % 5]
        WHEN luck < 40 THEN 'refused' WHEN luck < 50 THEN 'failed' WHEN luck < 70 THEN 'cancelled'
        ELSE 'published' END,
    CASE WHEN luck < 40 THEN 'Klaviyo refused it: a value is missing.' WHEN luck < 50 THEN 'The account vanished.'
        WHEN luck = 999 THEN 'Landed, but not quite as meant: a name differs.' ELSE '' END,
    '[]', CASE WHEN n > {{number}} - {OPEN} THEN now() + interval '1 hour' END, NULL, 1, NULL,
    CASE WHEN luck >= 70 THEN 'F' || n ELSE '' END,
    now() - interval '365 days' * (({{number}} - n)::float / {{number}}),
    CASE WHEN n <= {{number}} - {OPEN}
        THEN now() - interval '365 days' * (({{number}} - n)::float / {{number}}) END, NULL
FROM (SELECT n, abs(hashint4(n)) % 1000 AS luck FROM generate_series(1, {{number}}) AS n) AS one"""
ATTEMPTS = """
INSERT INTO flowbuilder_attempt (publication_id, number, step, method, path, request, status, answer, headers,
    outcome, error, started_at, ended_at)
SELECT p.id, call, 'create-flow', 'POST', '/api/flows', '{{"data": {{}}}}',
    CASE WHEN p.state = 'refused' AND call = 2 THEN 400 WHEN p.state = 'failed' AND call = 2 THEN NULL ELSE 201 END,
    '{{}}', '{{}}', CASE WHEN p.state = 'refused' AND call = 2 THEN 'refused' WHEN p.state = 'failed' AND call = 2
    THEN 'unknown' ELSE 'done' END, '', p.created_at, p.created_at
FROM flowbuilder_publication AS p, generate_series(1, 2) AS call"""
MOVES = """
INSERT INTO flowbuilder_move (publication_id, number, from_state, to_state, reason, at, until, by_id, attempt_number)
SELECT id, 1, 'asked', state, reason, created_at, NULL, NULL, 1 FROM flowbuilder_publication"""
RECEIPTS = """
INSERT INTO flowbuilder_receipt (account_id, number, publication_id, at, body_hash, previous_hash, hash)
SELECT account_id, row_number() OVER (PARTITION BY account_id ORDER BY id), id, created_at, md5(id::text), '',
    md5(id::text) FROM flowbuilder_publication WHERE state = 'published'"""
TABLES = ("publication", "attempt", "move", "receipt")


def prepare() -> dict[str, Any]:
    """who -> the person; and the first key of each kind of thing, which are in one run without gaps."""
    from accounts.models import Grant, KlaviyoAccount, User, Workspace
    from flowbuilder.models import Rollout, TemplateFlow, Version
    from tests import make

    rowan, pia, sol = (make.user(f"{name}@example.org", name.title()) for name in ("rowan", "pia", "sol"))
    make.workspace("site", kind="operator", owner=rowan)
    big, small = make.workspace("big", owner=pia), make.workspace("small", owner=sol)
    shops = Workspace.objects.bulk_create(
        Workspace(slug=f"shop-{n}", name=f"Shop {n}", kind="merchant") for n in range(SHOPS)
    )
    accounts = KlaviyoAccount.objects.bulk_create(
        KlaviyoAccount(klaviyo_id=f"K{n:05}", name=f"Store {n}", owner=shops[n % SHOPS], api_key="pk_bench")
        for n in range(ACCOUNTS)
    )
    Grant.objects.bulk_create(
        Grant(account=one, workspace=room) for one in accounts for room in (one.owner, big)
    )
    Grant.objects.bulk_create(Grant(account=one, workspace=small) for one in accounts[:SMALL_ROOM])
    people = User.objects.bulk_create(
        User(email=f"p{n}@example.org", name=f"Person {n}") for n in range(PEOPLE)
    )
    one = make.template(big)
    flows = [
        make.flow(big, {"triggers": [], "entry_action_id": None, "actions": []}, f"Design {n}")
        for n in range(FLOWS)
    ]
    document = one.current_version.document
    versions = Version.objects.bulk_create(
        Version(flow=flow, number=1 + n % 3, name=flow.name, document=document, content_hash=f"{n:064x}")
        for n, flow in enumerate(flows)
    )
    TemplateFlow.objects.bulk_create(
        TemplateFlow(
            workspace=big, flow=flow, slug=f"design-{n}", name=flow.name, current_version=versions[n]
        )
        for n, flow in enumerate(flows)
    )
    rollouts = Rollout.objects.bulk_create(
        Rollout(workspace=big, version=versions[n], name=f"Rollout {n}") for n in range(ROLLOUTS)
    )
    first = {
        "small": small.pk,
        "big": big.pk,
        "shop": shops[0].pk,
        "account": accounts[0].pk,
        "person": people[0].pk,
        "version": versions[0].pk,
        "rollout": rollouts[0].pk,
    }
    return {"people": {"operator": rowan, "partner": pia, "small": sol}, "first": first}


def fill(number: int, first: dict[str, int]) -> None:
    """Without its indexes, which are made when the rows are there."""
    from django.db import connection, transaction

    from flowbuilder import worked_out

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN "
            "(SELECT conname FROM pg_constraint)",
            [[f"flowbuilder_{name}" for name in TABLES]],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for statement in (PUBLICATIONS, ATTEMPTS, MOVES, RECEIPTS):
            cursor.execute(statement.format(number=number, **first))
        cursor.execute(worked_out.SET_ALL_ERRORS)
        cursor.execute(worked_out.count_all("postgresql"))
        for _, definition in indexes:
            cursor.execute(definition)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
