"""What goes in and out of the API, for the views and for the schema. No rules: those are in operations."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from flowbuilder.models import TemplateFlow

# --- Out ---------------------------------------------------------------------------------------------------------


class OneError(serializers.Serializer):
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable.")
    title = serializers.CharField()
    detail = serializers.CharField(help_text="A sentence for people.")
    source = serializers.DictField(
        child=serializers.CharField(allow_null=True),
        help_text="`pointer`: a JSON pointer into what was sent; for a flow's problems, into its create body.",
    )


class Errors(serializers.Serializer):
    errors = OneError(many=True)


class Problem(serializers.Serializer):
    code = serializers.CharField()
    blocks = serializers.BooleanField(help_text="Whether it keeps the flow from being published.")
    text = serializers.CharField()
    step = serializers.CharField(allow_null=True, help_text="The key of the step, “trigger”, or null.")
    pointer = serializers.CharField(help_text="A JSON pointer into the flow's create body.")


class Problems(serializers.Serializer):
    problems = Problem(many=True)


class Imported(serializers.Serializer):
    id = serializers.IntegerField()
    problems = Problem(many=True)


class FlowLine(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    workspace = serializers.CharField(source="workspace.slug")
    revision = serializers.IntegerField(help_text="Counts the acts on the flow.")
    changed_at = serializers.DateTimeField()


class FlowWhole(FlowLine):
    definition = serializers.DictField(help_text="As Klaviyo writes it; a value may be {“$ask”: key}.")


class CreateBody(serializers.Serializer):
    data = serializers.DictField(help_text="What Klaviyo's Create Flow takes.")


class VersionLine(serializers.Serializer):
    id = serializers.IntegerField()
    flow = serializers.IntegerField(source="flow_id")
    number = serializers.IntegerField()
    name = serializers.CharField()
    notes = serializers.CharField()
    content_hash = serializers.CharField(help_text="SHA-256 of all that can change what lands.")
    author = serializers.CharField(allow_null=True, help_text="The email address of who published it.")
    created_at = serializers.DateTimeField()

    def to_representation(self, instance: Any) -> Any:
        shown = super().to_representation(instance)
        return {**shown, "author": instance.author.email if instance.author else None}


class VersionWhole(VersionLine):
    document = serializers.DictField()


class Published(VersionLine):
    template_flow = serializers.SlugField(allow_null=True, help_text="Where it is offered, if it is.")


class TemplateFlowLine(serializers.Serializer):
    """Of a queries.library.Offer: what this person is shown, which is not always the newest."""

    slug = serializers.SlugField(source="template.slug")
    name = serializers.CharField()
    description = serializers.CharField()
    workspace = serializers.CharField(source="template.workspace.slug")
    visibility = serializers.ChoiceField(
        choices=TemplateFlow.Visibility.choices, source="template.visibility"
    )
    version = serializers.IntegerField(source="version.number")
    content_hash = serializers.CharField(source="version.content_hash")


class Question(serializers.Serializer):
    key = serializers.CharField()
    kind = serializers.CharField()
    question = serializers.CharField()
    help = serializers.CharField()
    looks_for = serializers.CharField()
    integration = serializers.CharField()
    role = serializers.CharField(help_text="Klaviyo's mapped metric that plays this part, such as revenue.")
    default = serializers.JSONField(allow_null=True)


class TemplateFlowWhole(TemplateFlowLine):
    questions = Question(many=True, help_text="What an account must answer to take it.")


class Account(serializers.Serializer):
    id = serializers.IntegerField()
    klaviyo_id = serializers.CharField()
    name = serializers.CharField()
    timezone = serializers.CharField()
    currency = serializers.CharField()
    is_test = serializers.BooleanField()
    is_connected = serializers.BooleanField()
    state_reason = serializers.CharField()
    can_publish = serializers.BooleanField(help_text="Whether one of your workspaces may publish to it.")


class PublicationLine(serializers.Serializer):
    id = serializers.IntegerField()
    state = serializers.CharField()
    is_open = serializers.BooleanField(help_text="Whether something may still happen by itself.")
    reason = serializers.CharField()
    flow_name = serializers.CharField()
    workspace = serializers.CharField(source="workspace.slug")
    template_flow = serializers.SlugField(source="install.template_flow.slug", default=None, allow_null=True)
    version = serializers.IntegerField(source="version_id")
    version_number = serializers.IntegerField(source="version.number")
    content_hash = serializers.CharField(source="version.content_hash")
    account = serializers.IntegerField(source="account_id")
    klaviyo_account = serializers.CharField(source="account.klaviyo_id")
    klaviyo_flow_id = serializers.CharField()
    asked_by = serializers.CharField(source="asked_by.email", default=None, allow_null=True)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    not_before = serializers.DateTimeField(allow_null=True)


class OneAttempt(serializers.Serializer):
    number = serializers.IntegerField()
    step = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField()
    request = serializers.JSONField(allow_null=True)
    status = serializers.IntegerField(allow_null=True)
    answer = serializers.JSONField(allow_null=True)
    headers = serializers.DictField(child=serializers.CharField())
    outcome = serializers.CharField()
    error = serializers.CharField()
    started_at = serializers.DateTimeField()
    seconds = serializers.FloatField(allow_null=True)


class OneMade(serializers.Serializer):
    kind = serializers.CharField()
    step = serializers.CharField()
    klaviyo_id = serializers.CharField()
    name = serializers.CharField()


class PublicationWhole(PublicationLine):
    answers = serializers.DictField()
    refusals = serializers.ListField(child=serializers.DictField())
    made = OneMade(many=True)
    attempts = OneAttempt(many=True)


class Addresses(serializers.Serializer):
    flows = serializers.URLField()
    template_flows = serializers.URLField()
    accounts = serializers.URLField()
    publications = serializers.URLField()
    schema = serializers.URLField()


# --- In ----------------------------------------------------------------------------------------------------------


class Body(serializers.Serializer):
    """A body that means what it says: a field nobody knows is a slip, not something to pass over."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [key for key in data if key not in self.fields]):
            raise serializers.ValidationError(
                {
                    key: [serializers.ErrorDetail("There is no such field.", "unknown-field")]
                    for key in unknown
                }
            )
        return super().to_internal_value(data)


class ImportBody(Body):
    workspace = serializers.CharField(help_text="The slug of the workspace.")
    name = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    document = serializers.DictField(help_text="A create-flow body, an answer of GET, or a bare definition.")


class OfferBody(Body):
    description = serializers.CharField(required=False, default="", allow_blank=True, max_length=5000)
    visibility = serializers.ChoiceField(
        choices=TemplateFlow.Visibility.choices, required=False, default=TemplateFlow.Visibility.SITE
    )


class PublishBody(Body):
    notes = serializers.CharField(required=False, default="", allow_blank=True, max_length=5000)
    offer = OfferBody(required=False, allow_null=True, default=None, help_text="Offer it in the library.")


class AskBody(Body):
    template_flow = serializers.CharField(help_text="The slug of the template flow.")
    account = serializers.IntegerField(min_value=1, help_text="The id of the account here.")
    answers = serializers.DictField(required=False, default=dict, help_text="Question key -> answer.")
    workspace = serializers.CharField(
        required=False,
        default="",
        help_text="For whom, where several of your workspaces may use the account.",
    )
