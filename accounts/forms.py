"""The forms of this room: a new workspace, a private API key, an invitation."""

from __future__ import annotations

import re

from django import forms

from accounts.members import MAY
from accounts.models import Membership, Workspace
from accounts.operations import OPEN_KINDS

KEY = re.compile(r"pk_[A-Za-z0-9_]{6,120}")


class WorkspaceForm(forms.Form):
    name = forms.CharField(
        max_length=120,
        label="What is it called?",
        help_text="The name of your agency or your shop. Others see it beside what you publish.",
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )
    kind = forms.ChoiceField(
        label="What do you want to do?",
        choices=[
            (Workspace.Kind.PARTNER, "Design flows for others to install"),
            (Workspace.Kind.MERCHANT, "Install flows in my own shop"),
        ],
        initial=Workspace.Kind.PARTNER,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the two."},
    )

    def clean_kind(self) -> str:
        kind = str(self.cleaned_data["kind"])
        if kind not in OPEN_KINDS:
            raise forms.ValidationError("Choose one of the two.")
        return kind


class KeyForm(forms.Form):
    """The key is never rendered back, not even when it was refused."""

    key = forms.CharField(
        max_length=200,
        label="Private API key",
        help_text="From Settings, API keys in Klaviyo, with full access. Kept encrypted, never shown again.",
        widget=forms.PasswordInput(
            render_value=False, attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "pk_…"}
        ),
        error_messages={"required": "Paste a private API key first."},
    )

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"]).strip()
        if not KEY.fullmatch(key):
            raise forms.ValidationError(
                "That is not a private key: one begins with pk_ and goes on with letters and digits."
            )
        return key


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label="Email address",
        help_text="They get a link that is for this address alone.",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "name@example.com"}),
        error_messages={
            "required": "Say who: an email address.",
            "invalid": "That is no email address, such as name@example.com.",
        },
    )
    role = forms.ChoiceField(
        label="As what?",
        choices=[(role.value, f"{role.label}. {text}") for role, text in MAY.items()],
        initial=Membership.Role.DESIGNER,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the roles."},
    )
