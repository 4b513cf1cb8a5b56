"""The page of alerts: who hears what, what was delivered, a test. For the owners of a workspace; each view begins with
access."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from accounts.access import workspace_or_404
from accounts.models import User, Workspace
from flowbuilder import access
from flowbuilder.health.forms import HearingForm, HookForm, LimitsForm, MailForm
from flowbuilder.models import Alert, AlertLimits, Delivery, Listener
from flowbuilder.operations import alerts as operations
from flowbuilder.operations.alerts import UnableToListen
from flowbuilder.queries.alerts import deliveries_of, listeners_of, open_alerts

OWNERS = (access.Role.OWNER,)
TONES = {Delivery.State.SENT: "good", Delivery.State.FAILED: "bad", Delivery.State.WAITING: "accent"}


class Request(HttpRequest):
    user: User
    htmx: HtmxDetails


@never_cache
@require_safe
def page(request: Request, slug: str) -> HttpResponse:
    room = workspace_or_404(request.user, slug, OWNERS)
    if request.htmx:
        return render(request, "health/_deliveries.html", _deliveries(room))
    return _page(request, room)


@never_cache
@require_POST
def add(request: Request, slug: str) -> HttpResponse:
    """The answer shows the secret of a webhook, once."""
    room = workspace_or_404(request.user, slug, OWNERS)
    is_hook = request.POST.get("kind") == Listener.Kind.WEBHOOK
    form: HearingForm = HookForm(request.POST) if is_hook else MailForm(room, request.POST)
    name = "hook_form" if is_hook else "mail_form"
    if form.is_valid():
        kind = Listener.Kind.WEBHOOK if is_hook else Listener.Kind.EMAIL
        try:
            made, secret = operations.add_listener(
                workspace=room, by=request.user, kind=kind, **form.cleaned_data
            )
        except UnableToListen as error:
            form.add_error("address", str(error))
        else:
            if secret:
                return _page(request, room, fresh=secret, fresh_of=made)
            messages.success(request, f"{made.address} hears of it from now on.")
            return redirect("health:alerts", room.slug)
    return _page(request, room, status=422, **{name: form})


@require_POST
def limits(request: Request, slug: str) -> HttpResponse:
    room = workspace_or_404(request.user, slug, OWNERS)
    form = LimitsForm(request.POST)
    if not form.is_valid():
        return _page(request, room, status=422, limits_form=form)
    operations.set_limits(workspace=room, **form.cleaned_data)
    messages.success(request, "Saved. It counts from the next look on, in a minute.")
    return redirect("health:alerts", room.slug)


@require_POST
def change(request: Request, pk: int) -> HttpResponse:
    listener = access.listener_or_404(request.user, pk)
    form = HearingForm(listener, request.POST)
    if not form.is_valid():
        return _page(request, listener.workspace, status=422, changed={listener.pk: form})
    operations.change_listener(listener=listener, **form.cleaned_data)
    messages.success(request, f"Saved for {listener.address}.")
    return redirect("health:alerts", listener.workspace.slug)


@require_POST
def remove(request: Request, pk: int) -> HttpResponse:
    listener = access.listener_or_404(request.user, pk)
    operations.remove_listener(listener=listener)
    messages.success(request, f"{listener.address} hears nothing more of {listener.workspace}.")
    return redirect("health:alerts", listener.workspace.slug)


@never_cache
@require_POST
def renew(request: Request, pk: int) -> HttpResponse:
    listener = access.listener_or_404(request.user, pk)
    try:
        secret = operations.renew_secret(listener=listener)
    except UnableToListen as error:
        messages.error(request, str(error))
        return redirect("health:alerts", listener.workspace.slug)
    return _page(request, listener.workspace, fresh=secret, fresh_of=listener)


@require_POST
def test(request: Request, pk: int) -> HttpResponse:
    listener = access.listener_or_404(request.user, pk)
    done = f"A test is on its way to {listener.address}."
    return _act(request, listener.workspace, lambda: operations.send_test(listener=listener), done)


@require_POST
def again(request: Request, pk: int) -> HttpResponse:
    delivery = access.delivery_or_404(request.user, pk)
    return _act(
        request,
        delivery.listener.workspace,
        lambda: operations.send_again(delivery=delivery),
        "It is on its way again.",
    )


def _act(request: Request, room: Workspace, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
        messages.success(request, done)
    except UnableToListen as error:
        messages.error(request, str(error))
    return redirect("health:alerts", room.slug)


def _page(request: Request, room: Workspace, status: int = 200, **more: Any) -> HttpResponse:
    held = AlertLimits.objects.filter(workspace=room).first() or AlertLimits()
    changed = more.pop("changed", {})
    listeners = [(one, changed.get(one.pk) or HearingForm(one)) for one in listeners_of(room)]
    context = {
        "room": room,
        "listeners": listeners,
        "alerts": open_alerts(room),
        "kinds": Alert.Kind.choices,
        "mail_form": MailForm(room),
        "hook_form": HookForm(),
        "limits_form": LimitsForm(instance=held),
        **_deliveries(room),
        **more,
    }
    return render(request, "health/alerts.html", context, status=status)


def _deliveries(room: Workspace) -> dict[str, Any]:
    """Those under way make the page ask again."""
    rows = [(one, TONES[Delivery.State(one.state)]) for one in deliveries_of(room)]
    return {
        "room": room,
        "deliveries": rows,
        "is_busy": any(one.state == Delivery.State.WAITING and not one.error for one, _ in rows),
    }
