"""The vendor's own Python SDK understands what the sandbox says. It shares no code with either side."""

from __future__ import annotations

from klaviyo_api import KlaviyoAPI

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import CHECKOUT, TEMPLATE, definition, flow


def test_the_official_sdk_reads_every_answer(klaviyo: RunningSandbox) -> None:
    sdk = KlaviyoAPI(klaviyo.api_key(), max_delay=1, max_retries=0, test_host=klaviyo.url)
    assert sdk.Accounts.get_accounts().data[0].id == klaviyo.account("harbour")
    assert sdk.Metrics.get_metrics(filter='equals(integration.name,"Shopify")').data[0].id == CHECKOUT
    for read in (
        sdk.Metrics.get_mapped_metrics,
        sdk.Lists.get_lists,
        sdk.Segments.get_segments,
        sdk.Templates.get_templates,
        sdk.Tags.get_tags,
    ):
        assert read().data
    assert sdk.Metrics.get_properties_for_metric(CHECKOUT).data
    assert sdk.Templates.get_template(TEMPLATE).data.id == TEMPLATE
    made = sdk.Flows.create_flow(flow(definition(), "By SDK"), additional_fields_flow=["definition"]).data
    assert made.attributes.name == "By SDK"
    read_back = sdk.Flows.get_flow(made.id, additional_fields_flow=["definition"]).data.attributes
    assert read_back.definition.entry_action_id == made.attributes.definition.entry_action_id
    assert len(sdk.Flows.get_actions_for_flow(made.id).data) == 2
    assert made.id in [item.id for item in sdk.Metrics.get_flows_triggered_by_metric(CHECKOUT).data]
    change = {"data": {"type": "flow", "id": made.id, "attributes": {"status": "manual"}}}
    assert sdk.Flows.update_flow(made.id, change).data.attributes.status == "manual"
    sdk.Flows.delete_flow(made.id)
    assert made.id not in [item["id"] for item in klaviyo.flows()]
