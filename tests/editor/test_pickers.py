"""Pickers: things of the connected accounts, properties, tags and places, found as one types."""

from __future__ import annotations

from html import unescape

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts import catalog
from accounts.models import CatalogEntry
from flowbuilder.editor import properties
from flowbuilder.editor.tags import event_tag
from flowbuilder.models import Flow, Trigger
from flowbuilder.operations import designs
from tests import make
from tests.conftest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_cache():
    cache.clear()


@pytest.fixture
def flow(workspace) -> Flow:
    made = designs.create_flow(workspace=workspace, by=None, name="Test")
    designs.choose_trigger(flow=made, by=None, trigger_type="metric")
    return made


@pytest.fixture
def account(workspace):
    return make.account(workspace)


def pick(client, flow: Flow, kind: str, **query: str) -> str:
    answer = client.get(reverse("editor:pick", args=[flow.pk, kind]), query, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def values(html: str) -> list[str]:
    return [part.split('"')[0] for part in html.split('data-value="')[1:]]


def entry(account, kind: str, klaviyo_id: str, name: str, integration: str = "") -> None:
    CatalogEntry.objects.create(
        account=account, kind=kind, klaviyo_id=klaviyo_id, name=name, integration=integration
    )


# --- Things of accounts ------------------------------------------------------------------------------------------


def test_every_word_must_fit_and_an_id_fits_alone(flow, account, as_alice):
    entry(account, "metric", "AbC123", "Placed Order", "Shopify")
    entry(account, "metric", "DeF456", "Placed Order", "Magento")
    entry(account, "list", "GhI789", "Placed once")
    assert values(pick(as_alice, flow, "metric", q="order placed")) == ["DeF456", "AbC123"]
    assert values(pick(as_alice, flow, "metric", q="order shop")) == ["AbC123"]
    assert values(pick(as_alice, flow, "metric", q="abc123")) == ["AbC123"]
    assert values(pick(as_alice, flow, "metric")) == ["DeF456", "AbC123"]
    html = pick(as_alice, flow, "metric", q="shop")
    assert "Shopify · Harbour &amp; Pine · AbC123" in html
    assert 'role="listbox"' in html
    assert 'role="option"' in html


def test_lists_and_segments_come_together(flow, account, as_alice):
    entry(account, "list", "LiSt01", "Readers")
    entry(account, "segment", "SeGm02", "Readers of late")
    entry(account, "template", "TmPl03", "Readers' mail")
    html = pick(as_alice, flow, "group", q="readers")
    assert values(html) == ["LiSt01", "SeGm02"]
    assert "Segment · " in html


def test_twenty_at_most_and_how_many_more(flow, account, as_alice):
    for number in range(57):
        entry(account, "list", f"L{number:05}", f"List {number:02}")
    html = pick(as_alice, flow, "list", q="list")
    assert len(values(html)) == 20
    assert "and 37 more" in html


def test_only_accounts_that_this_workspace_may_use(flow, account, as_alice, charlie):
    other = make.workspace("elsewhere", owner=charlie)
    entry(make.account(other, "QwE92b", "pk_sandbox_kettle"), "list", "FoReIg", "Foreign list")
    entry(account, "list", "OwNoNe", "Own list")
    assert values(pick(as_alice, flow, "list")) == ["OwNoNe"]
    account.grants.update(withdrawn_at="2026-01-01T00:00:00Z")
    html = pick(as_alice, flow, "list")
    assert values(html) == []
    assert "No account is connected" in html


def test_names_are_escaped(flow, account, as_alice):
    entry(account, "list", "LiSt01", '"><script>alert(1)</script>')
    html = pick(as_alice, flow, "list")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_bad_questions(flow, as_alice, charlie):
    url = reverse("editor:pick", args=[flow.pk, "metric"])
    assert as_alice.get(url, {"q": "x" * 201}).status_code == 400
    assert as_alice.get(url, {"q": "a\0b"}).status_code == 400
    assert as_alice.get(reverse("editor:pick", args=[flow.pk, "nonsense"])).status_code == 404
    assert as_alice.post(url).status_code == 405
    assert client_of(charlie).get(url).status_code == 404


# --- Properties --------------------------------------------------------------------------------------------------


def test_properties_of_people_are_the_standard_ones_and_those_in_use(flow, workspace, as_alice, charlie):
    used = {"property": "properties['Shoe size']"}
    Trigger.objects.filter(flow=flow).update(config={"id": "", "trigger_filter": used})
    foreign = designs.create_flow(
        workspace=make.workspace("elsewhere", owner=charlie), by=None, name="Theirs"
    )
    Flow.objects.filter(pk=foreign.pk).update(profile_filter={"property": "properties['Secret']"})
    assert "first_name" in values(pick(as_alice, flow, "property", q="name"))
    assert values(pick(as_alice, flow, "property", q="shoe"))[0] == "properties[&#x27;Shoe size&#x27;]"
    assert "properties[&#x27;Secret&#x27;]" not in values(pick(as_alice, flow, "property"))
    offered = values(pick(as_alice, flow, "property", q="Colour"))
    assert offered == ["properties[&#x27;Colour&#x27;]"]


def metric(account, name: str) -> str:
    return CatalogEntry.objects.filter(account=account, kind="metric", name=name)[0].klaviyo_id


def test_properties_of_an_event_are_asked_once(flow, account, as_alice, klaviyo):
    """The trigger's metric, as the account's Klaviyo tells it: kept, so that typing asks nothing more."""
    catalog.read_catalog(account, ["metric"])
    Trigger.objects.filter(flow=flow).update(config={"id": metric(account, "Loyalty Tier Reached")})
    html = pick(as_alice, flow, "event", step="trigger")
    assert values(html) == ["Tier", "Points"]
    assert "numeric · such as 1200" in html
    asked = len(klaviyo.requests())
    assert values(pick(as_alice, flow, "event", step="trigger", q="poi")) == ["Points"]
    assert len(klaviyo.requests()) == asked


def test_the_nearest_metric_is_meant(flow, account, as_alice, klaviyo):
    """A condition that counts a metric asks for the properties of that metric, not of the trigger's."""
    catalog.read_catalog(account, ["metric"])
    Trigger.objects.filter(flow=flow).update(config={"id": metric(account, "Placed Order")})
    counted = {"type": "profile-metric", "metric_id": metric(account, "Loyalty Tier Reached")}
    split = designs.insert_step(flow=flow, action_type="conditional-split", source="trigger", port="next")
    groups = {"condition_groups": [{"conditions": [counted]}]}
    flow.actions.filter(key=split.key).update(config={"profile_filter": groups})
    Flow.objects.filter(pk=flow.pk).update(revision=99)
    name = "profile_filter.condition_groups.0.conditions.0.metric_filters.0.property"
    assert values(pick(as_alice, flow, "event", step=split.key, name=name)) == ["Tier", "Points"]
    assert "Items" in values(pick(as_alice, flow, "event", step=split.key, name="trigger_filter"))


def test_where_no_account_knows_the_metric_the_usual_ones_are_offered(flow, workspace):
    assert properties.of_event(workspace, "", "Ordered Product")[0][0] == "$value"
    everything = {value for value, _ in properties.of_event(workspace, "NoSuch", "")}
    assert {"$value", "ProductName", "Subject"} <= everything


def test_klaviyo_in_trouble_is_no_trouble_for_the_list(flow, account, as_alice, settings):
    entry(account, "metric", "AbC123", "Placed Order")
    settings.KLAVIYO_BASE_URL = "http://127.0.0.1:1"
    Trigger.objects.filter(flow=flow).update(config={"id": "AbC123"})
    assert "$value" in values(pick(as_alice, flow, "event", step="trigger"))


# --- Tags and places ---------------------------------------------------------------------------------------------


def test_tags_for_an_email_and_for_a_text(flow, as_alice):
    mail = designs.insert_step(flow=flow, action_type="send-email", source="trigger", port="next").key
    text = designs.insert_step(flow=flow, action_type="send-sms", source="trigger", port="next").key
    of_mail = pick(as_alice, flow, "tag", step=mail, name="f-message-subject_line")
    assert "{% unsubscribe %}" in of_mail
    assert "first_name" in of_mail
    assert 'data-into="f-message-subject_line"' in of_mail
    assert "{% unsubscribe %}" not in pick(as_alice, flow, "tag", step=text)


def test_tags_are_klaviyos(flow, as_alice):
    tags = pytest.importorskip("flowbuilder.kinds.tags")
    html = pick(as_alice, flow, "tag", step="trigger")
    codes = [unescape(part.split('"')[0]) for part in html.split('data-insert="')[1:]]
    assert len(codes) > 10
    assert {code: [one.text for one in tags.check_tags(code)] for code in codes} == {
        code: [] for code in codes
    }


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Items", "{{ event.Items|default:'' }}"),
        ("Discount Codes", "{{ event|lookup:'Discount Codes'|default:'' }}"),
        ("Mum's", "{{ event|lookup:\"Mum's\"|default:'' }}"),
    ],
)
def test_the_tag_of_an_event_property(name, tag):
    assert event_tag(name) == tag


def test_places_for_a_step(flow, as_alice):
    """[t] -> wait -> (split) -yes-> text: text can go before wait, after wait, and to No; not where it is."""
    text = designs.insert_step(flow=flow, action_type="send-sms", source="trigger", port="next").key
    split = designs.insert_step(flow=flow, action_type="conditional-split", source="trigger", port="next").key
    wait = designs.insert_step(flow=flow, action_type="time-delay", source="trigger", port="next").key
    html = pick(as_alice, flow, "place", step=text)
    spots = [part.split('"')[0] for part in html.split('name="to" value="')[1:]]
    assert spots == ["trigger:next", f"{wait}:next", f"{split}:no"]
    assert (
        as_alice.post(reverse("editor:move", args=[flow.pk, text]), {"to": f"{split}:no"}).status_code == 302
    )
    of_split = pick(as_alice, flow, "place", step=split, what="branch")
    assert [part.split('"')[0] for part in of_split.split('name="to" value="')[1:]] == ["trigger:next"]
    found = pick(as_alice, flow, "place", step=text, q="at yes")
    assert f'value="{split}:yes"' in found
    assert f'value="{wait}:next"' not in found


def test_steps_that_an_end_can_go_on_with(flow, as_alice):
    """Not the step itself nor what leads to it: that would be a circle."""
    text = designs.insert_step(flow=flow, action_type="send-sms", source="trigger", port="next").key
    split = designs.insert_step(flow=flow, action_type="conditional-split", source="trigger", port="next").key
    html = pick(as_alice, flow, "step", at=f"{split}:no")
    assert f'name="target" value="{text}"' in html
    assert f'name="target" value="{split}"' not in html
    act = {"source": split, "port": "no", "target": text}
    assert as_alice.post(reverse("editor:connect", args=[flow.pk]), act).status_code == 302


def test_places_are_a_page_without_script(flow, as_alice):
    text = designs.insert_step(flow=flow, action_type="send-sms", source="trigger", port="next").key
    answer = as_alice.get(reverse("editor:pick", args=[flow.pk, "place"]), {"step": text})
    assert answer.status_code == 200
    assert "<html" in answer.content.decode()
    gone = as_alice.get(reverse("editor:pick", args=[flow.pk, "place"]), {"step": "nowhere"})
    assert gone.status_code == 404
