"""The Celery application: the doorbell that wakes a worker. The rows in the database are the truth.

Workers start with `celery -A flowbuilder worker`; the sweeper needs one `celery -A flowbuilder beat` (or `-B`).
"""

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flowbuilder.settings")

app = Celery("flowbuilder")
app.config_from_object("django.conf:settings", namespace="CELERY")
# `celery`: what somebody waits for. `rollouts`: what comes in thousands. A worker takes from both in turn.
app.conf.task_queues = [Queue("celery"), Queue("rollouts")]
app.autodiscover_tasks(["accounts", "flowbuilder"])
