"""Django's entry to the flow app; loads the Celery application so that tasks find it."""

from django.apps import AppConfig

from flowbuilder.celery import app as celery_app

__all__ = ["FlowbuilderConfig", "celery_app"]


class FlowbuilderConfig(AppConfig):
    name = "flowbuilder"
    verbose_name = "Flows"
