"""Two tabs at one install, on PostgreSQL: on SQLite one has to wait for the other from the beginning."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.processes import ROOT
from tests.stack import Stack, require_stack

# One tab begins the install again; before it writes, another has chosen an account, or confirmed.
WORK = """
import django
django.setup()
import json, threading
from unittest.mock import patch
from django.db import connections
from accounts.models import KlaviyoAccount
from flowbuilder.models import Install
from flowbuilder.operations import installs
from tests import make

person = make.user("mia@example.org")
room = make.workspace("room", owner=person)
template = make.template(room)
one, other = (make.account(room, klaviyo_id=id) for id in ("One111", "Other2"))
real, told = installs._to_take, {}

def race(act):
    begun, done = threading.Event(), threading.Event()

    def slowly(install):
        begun.set()
        done.wait(2)  # it is not done by then where it has to wait for us
        return real(install)

    def elsewhere():
        try:
            begun.wait(20)
            act()
            done.set()
        finally:
            connections.close_all()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    with patch.object(installs, "_to_take", slowly):
        installs.start_install(template=template, workspace=room, by=person)
    thread.join(20)

install = installs.start_install(template=template, workspace=room, by=person)
installs.choose_account(install=install, account=one)
race(lambda: installs.choose_account(install=Install.objects.get(pk=install.pk), account=other))
told["account"] = Install.objects.get(pk=install.pk).account.klaviyo_id
race(lambda: Install.objects.filter(pk=install.pk).update(state="publishing"))  # as a yes does
told["state"] = Install.objects.get(pk=install.pk).state
print(json.dumps(told))
"""


def test_beginning_again_does_not_undo_what_another_tab_did():
    require_stack("two tabs at one install on PostgreSQL")
    with Stack(environment={}) as stack:
        command = [sys.executable, "-W", "ignore", "-c", WORK]
        done = subprocess.run(
            command, cwd=ROOT, env=stack.environment, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"account": "Other2", "state": "publishing"}
