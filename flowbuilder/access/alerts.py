"""Alerts: for the owners of a workspace."""

from __future__ import annotations

from django.shortcuts import get_object_or_404

from accounts.models import User
from flowbuilder.access.roles import Role, require_role
from flowbuilder.models import (
    Delivery,
    Listener,
)


def listener_or_404(user: User, pk: int) -> Listener:
    listener = get_object_or_404(
        Listener.objects.filter(workspace__memberships__user=user).select_related("workspace"), pk=pk
    )
    require_role(user, listener.workspace, (Role.OWNER,), "Only owners say who hears of what.")
    return listener


def delivery_or_404(user: User, pk: int) -> Delivery:
    delivery = get_object_or_404(
        Delivery.objects.filter(listener__workspace__memberships__user=user).select_related(
            "listener__workspace"
        ),
        pk=pk,
    )
    require_role(user, delivery.listener.workspace, (Role.OWNER,), "Only owners send an alert again.")
    return delivery
