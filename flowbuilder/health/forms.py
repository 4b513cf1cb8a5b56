"""The forms of this room: who listens to what, and from when on something counts as wrong."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Workspace
from accounts.webhooks import LONGEST_URL
from flowbuilder.models import Alert, AlertLimits, Listener


class HearingForm(forms.Form):
    hears = forms.MultipleChoiceField(
        label="Hears when", choices=Alert.Kind.choices, widget=forms.CheckboxSelectMultiple
    )
    pace = forms.ChoiceField(
        label="How soon",
        choices=Listener.Pace.choices,
        help_text="Once a day: everything of the day together, at 07:00 UTC.",
    )

    def __init__(self, listener: Listener | None = None, data: Any = None) -> None:
        held = {"hears": listener.hears, "pace": listener.pace} if listener else {"hears": Alert.Kind.values}
        super().__init__(data, initial=held, auto_id=f"listener-{listener.pk if listener else 'new'}-%s")


class MailForm(HearingForm):
    """Of whom people are: the others would be strangers."""

    def __init__(self, workspace: Workspace, data: Any = None) -> None:
        super().__init__(data=data)
        self.auto_id = "mail-%s"
        people = [(email, name or email) for email, name in workspace.members.values_list("email", "name")]
        self.fields["address"] = forms.ChoiceField(label="To whom", choices=people)
        self.order_fields(["address", "hears", "pace"])


class HookForm(HearingForm):
    address = forms.CharField(
        label="Address",
        max_length=LONGEST_URL,
        widget=forms.URLInput(attrs={"placeholder": "https://alerts.example.com/flowbuilder"}),
        help_text="Each message is a POST of JSON, signed with a secret that you see once.",
    )
    field_order = ("address", "hears", "pace")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data=data)
        self.auto_id = "hook-%s"


class LimitsForm(forms.ModelForm):
    class Meta:
        model = AlertLimits
        fields = ("failed_above", "stuck_after")

    failed_above = forms.IntegerField(
        label="Many failed: more than, in percent",
        min_value=0,
        max_value=99,
        help_text="Of a template's publications that ended since yesterday, from five on.",
    )
    stuck_after = forms.IntegerField(
        label="Stuck: for longer than, in hours",
        min_value=1,
        max_value=720,
        help_text="Since it was asked for. A day's limit of Klaviyo's may take 24.",
    )
