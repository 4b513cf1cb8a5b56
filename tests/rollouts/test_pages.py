"""The pages of rollouts: choosing, the dry run as a grid, following, acts. Every page works without script."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now as right_now

from flowbuilder.models import Choice, Publication
from flowbuilder.operations.rollouts import look_on
from flowbuilder.publisher.states import S
from tests.conftest import client_of
from tests.rollouts.make import accounts, end, end_wave, planned, sent, started, text_of
from tests.rollouts.make import template as offered

pytestmark = pytest.mark.django_db


def page_of(client, rollout, **params):
    return client.get(reverse("rollouts:rollout", args=[rollout.pk]), params)


# --- The list -----------------------------------------------------------------------------------------------------


def test_an_empty_list_teaches_what_a_rollout_is(as_alice, workspace, bob):
    url = reverse("rollouts:list", args=[workspace.slug])
    assert "A rollout brings one version of a template flow" in text_of(as_alice.get(url))
    assert "New rollout" in text_of(as_alice.get(url))
    assert "Owners and merchants of Northwind start rollouts" in text_of(client_of(bob).get(url))


def test_the_list_takes_the_same_queries_whatever_it_holds(
    as_alice, workspace, template, alice, django_assert_num_queries
):
    url = reverse("rollouts:list", args=[workspace.slug])
    end_wave(
        started(template, alice, accounts(workspace, 3), canary=0, stop_above=100), S.REFUSED, S.PUBLISHED
    )
    as_alice.get(url)
    with django_assert_num_queries(8):
        shown = text_of(as_alice.get(url))
    assert "Newsletter hello, version 1" in shown
    assert "2 have it" in shown
    for place in range(4):
        planned(offered(workspace), alice, accounts(workspace, 3, first=10 * (place + 1)))
    with django_assert_num_queries(8):
        as_alice.get(url)


def test_partners_find_it_in_the_navigation_and_merchants_do_not(as_alice, workspace):
    url = reverse("rollouts:list", args=[workspace.slug])
    assert f'href="{url}"' in as_alice.get(url).content.decode()
    workspace.kind = "merchant"
    workspace.save()
    assert f'<a href="{url}"' not in as_alice.get(url).content.decode()


# --- The dry run --------------------------------------------------------------------------------------------------


def test_a_plan_looks_on_by_itself_and_by_a_button_without_script(as_alice, workspace, template, alice):
    rollout = planned(template, alice, accounts(workspace, 3), looked_at=False)
    page = page_of(as_alice, rollout)
    look = reverse("rollouts:look", args=[rollout.pk])
    assert f'hx-post="{look}"' in page.content.decode()
    assert "0 of 3 accounts looked at." in text_of(page)
    assert "Go on looking" in text_of(page)
    assert as_alice.post(look)["Location"] == reverse("rollouts:rollout", args=[rollout.pk])
    page = page_of(as_alice, rollout)
    assert "All 3 accounts are ready." in text_of(page)
    assert "hx-trigger" not in page.content.decode().split('id="rollout"')[1].split(">")[0]


def test_the_grid_says_what_each_account_lacks(as_alice, workspace, template, alice):
    ready, asking = accounts(workspace, 1), accounts(workspace, 1, lists=("Other",), first=1)
    gone = accounts(workspace, 1, first=2)
    gone[0].state, gone[0].state_reason = "disconnected", "The key was deleted."
    gone[0].save()
    rollout = planned(template, alice, [*ready, *asking, *gone])
    shown = text_of(page_of(as_alice, rollout))
    assert "1 of 3 accounts are ready; 2 are left out." in shown
    assert "Needs 1 answer: “Which list starts it?”." in shown
    assert "“Which list starts it?” has no answer in 1 account." in shown
    assert "It is disconnected: The key was deleted." in shown
    only = text_of(page_of(as_alice, rollout, show="not-ready"))
    assert "Shop 0000" not in only
    assert "Shop 0001" in only


def test_one_answer_for_all_is_given_once(as_alice, workspace, alice):
    asks_words = offered(workspace, words=None)
    chosen = [
        *accounts(workspace, 2, lists=("Newsletter", "News")),
        *accounts(workspace, 1, lists=("News",), first=2),
    ]
    rollout = planned(asks_words, alice, chosen)
    assert rollout.choices.filter(fit="asks").count() == 3
    url = reverse("rollouts:answers", args=[rollout.pk])
    as_alice.post(url, {"all-words": "Hi there", "all-hours": "12", "all-joined": "News"})
    look_on(rollout=rollout)
    for one in rollout.choices.select_related("account"):
        assert one.fit == "ready"
        assert {key: answer["value"] for key, answer in one.answers.items()} == {
            "joined": f"{one.account.klaviyo_id}-{1 if one.account in chosen[:2] else 0}",
            "hours": 12,
            "words": "Hi there",
        }
    as_alice.post(url, {"all-words": "", "all-hours": "", "all-joined": ""})
    look_on(rollout=rollout)
    assert rollout.choices.filter(fit="asks").count() == 3


def test_a_bad_answer_for_all_is_told_beside_its_question(as_alice, workspace, template, alice):
    rollout = planned(template, alice, accounts(workspace, 1))
    answer = as_alice.post(reverse("rollouts:answers", args=[rollout.pk]), {"all-hours": "many"})
    assert answer.status_code == 422
    assert "Write a whole number." in text_of(answer)


def test_one_account_is_answered_alone(as_alice, workspace, template, alice):
    chosen = accounts(workspace, 1, lists=("Other", "Another"))
    rollout = planned(template, alice, chosen)
    choice = rollout.choices.get()
    url = reverse("rollouts:account", args=[rollout.pk, choice.pk])
    assert url in page_of(as_alice, rollout).content.decode()
    assert "Another" in text_of(as_alice.get(url))
    done = as_alice.post(url, {"own-joined": "AC0000-1", "own-hours": "4", "own-words": "Hello"}, follow=True)
    assert "Shop 0000 is ready." in text_of(done)
    choice.refresh_from_db()
    assert choice.answers["joined"] == {"value": "AC0000-1", "how": "Your choice.", "by": "person"}
    assert choice.answers["hours"]["by"] == "found"
    assert as_alice.post(url, {"own-joined": "elsewhere"}).status_code == 422


def test_an_account_can_be_left_out(as_alice, workspace, template, alice):
    rollout = planned(template, alice, accounts(workspace, 2))
    first = rollout.choices.first()
    as_alice.post(reverse("rollouts:leave_out", args=[rollout.pk, first.pk]))
    assert rollout.choices.count() == 1


# --- On its way ---------------------------------------------------------------------------------------------------


def test_it_starts_with_what_the_form_says(as_alice, workspace, template, alice):
    rollout = planned(template, alice, accounts(workspace, 5))
    url = reverse("rollouts:start", args=[rollout.pk])
    wrong = as_alice.post(url, {"canary": "2", "wave_size": "0", "stop_above": "10"})
    assert wrong.status_code == 422
    assert "greater than or equal to 1" in text_of(wrong)
    as_alice.post(url, {"canary": "2", "wave_size": "2", "stop_above": "5"})
    rollout.refresh_from_db()
    assert (rollout.state, rollout.stop_above, sent(rollout).count()) == ("running", 5, 2)
    shown = text_of(page_of(as_alice, rollout))
    assert "Canary: 2 Wave 1: 2 Wave 2: 1" in shown
    assert "0 of 5 accounts have it. Done in less than a minute." in shown


def test_a_start_that_is_too_early_is_told_where_the_next_look_does_not_wipe_it_away(
    as_alice, workspace, template, alice
):
    rollout = planned(template, alice, accounts(workspace, 2), looked_at=False)
    form = {"canary": "1", "wave_size": "2", "stop_above": "10"}
    answer = as_alice.post(reverse("rollouts:start", args=[rollout.pk]), form)
    assert answer.status_code == 422
    before, fragment = answer.content.decode().split('id="rollout"')
    assert "2 accounts must still be looked at." in before
    assert "must still be looked at" not in fragment


def test_a_long_row_of_waves_is_cut_and_counts_what_it_leaves_out(as_alice, workspace, template, alice):
    rollout = started(template, alice, accounts(workspace, 61), canary=1, wave_size=2)
    assert "Wave 6: 2 24 more waves" in text_of(page_of(as_alice, rollout))
    for _ in range(6):
        end_wave(rollout, S.PUBLISHED)
    shown = text_of(page_of(as_alice, rollout))
    assert "4 waves before (done) Wave 4: 2 (done) Wave 5: 2 (done) Wave 6: 2" in shown
    assert "Wave 10: 2 20 more waves" in shown


def test_the_page_asks_again_while_it_moves_and_stops_when_it_is_over(as_alice, workspace, template, alice):
    rollout = started(template, alice, accounts(workspace, 1))
    page = page_of(as_alice, rollout).content.decode()
    url = re.search(r'hx-get="([^"]+)" hx-trigger="every 3s"', page)[1].replace("&amp;", "&")
    assert as_alice.get(url, headers={"HX-Request": "true"}).status_code == 204
    end_wave(rollout, S.PUBLISHED)
    news = as_alice.get(url, headers={"HX-Request": "true"})
    assert news.status_code == 200
    assert news.content.decode().lstrip().startswith('<div id="rollout"')
    assert "every 3s" not in news.content.decode()
    assert "1 of 1 account has it." in text_of(news)


def test_each_account_says_where_it_stands_why_and_what_next(as_alice, workspace, template, alice):
    rollout = started(template, alice, accounts(workspace, 5), canary=0, wave_size=5, stop_above=100)
    published, refused, failed, waiting, _ = sent(rollout)
    end(published, S.PUBLISHED)
    end(refused, S.REFUSED)
    Publication.objects.filter(pk=refused.pk).update(refusals=[{"text": "No such list."}])
    end(failed, S.FAILED, "The connection to Klaviyo is broken.")
    end(waiting, S.WAITING, "Klaviyo asked us to wait.")
    Publication.objects.filter(pk=waiting.pk).update(not_before=right_now() + timedelta(hours=1))
    page = page_of(as_alice, rollout)
    shown = text_of(page)
    for words in (
        "Landed as a draft. Show in Klaviyo",
        "No such list. See why",
        "The connection to Klaviyo is broken. See why",
        "Klaviyo asked us to wait. Goes on at",
        "Asked. Follow it",
        "Retry the 1 that failed",
        "1 published",
        "1 refused",
    ):
        assert words in shown, words
    assert reverse("history:publication", args=[failed.pk]) in page.content.decode()
    bad = text_of(page_of(as_alice, rollout, show="bad"))
    assert "Shop 0000" not in bad
    assert "Shop 0001" in bad


def test_acts_pause_resume_retry_and_cancel(as_alice, workspace, template, alice):
    rollout = started(template, alice, accounts(workspace, 4), canary=0, wave_size=4, stop_above=100)

    def press(act: str):
        answer = as_alice.post(reverse(f"rollouts:{act}", args=[rollout.pk]), follow=True)
        rollout.refresh_from_db()
        return text_of(answer)

    assert "Paused." in press("pause")
    assert rollout.state == "paused"
    assert "Only a rollout that is under way can be paused." in press("pause")
    press("resume")
    assert rollout.state == "running"
    end(sent(rollout)[0], S.FAILED)
    assert "Asked again for 1 that failed." in press("retry")
    assert "Cancelled. What landed stays" in press("cancel")
    assert rollout.state == "cancelled"
    assert "Not sent" in text_of(page_of(as_alice, rollout))


def test_who_may_only_read_finds_no_acts(workspace, template, alice, bob):
    rollout = started(template, alice, accounts(workspace, 2))
    page = page_of(client_of(bob), rollout).content.decode()
    assert reverse("rollouts:pause", args=[rollout.pk]) not in page


@pytest.mark.parametrize("state", ["planned", "running"])
def test_any_number_of_accounts_takes_the_same_queries(
    as_alice, workspace, template, alice, django_assert_max_num_queries, state
):
    counts = []
    for number, first in ((10, 0), (200, 1000)):
        chosen = accounts(workspace, number, first=first)
        if state == "planned":
            rollout = planned(template, alice, chosen)
        else:
            rollout = started(template, alice, chosen, canary=5, wave_size=100)
            end(sent(rollout)[0], S.PUBLISHED)
        page_of(as_alice, rollout)
        with django_assert_max_num_queries(16) as queries:
            page_of(as_alice, rollout)
        counts.append(len(queries.captured_queries))
    assert counts[0] == counts[1]


def test_no_page_has_inline_style_or_script(as_alice, workspace, template, alice, new_url):
    rollout = started(template, alice, accounts(workspace, 2))
    urls = [
        reverse("rollouts:list", args=[workspace.slug]),
        new_url,
        f"{new_url}?version={template.current_version_id}",
        reverse("rollouts:rollout", args=[rollout.pk]),
        reverse("rollouts:account", args=[rollout.pk, Choice.objects.last().pk]),
    ]
    for url in urls:
        html = as_alice.get(url).content.decode()
        assert not re.search(r'\sstyle="|<style|\son\w+="|<script>', html), url


def test_what_stopped_leads_to_what_went_wrong_before_it_goes_on(as_alice, workspace, alice):
    rollout = started(offered(workspace), alice, accounts(workspace, 3))
    end_wave(rollout, S.REFUSED)
    page = page_of(as_alice, rollout).content.decode()
    assert '<a class="btn primary" href="?show=bad">See what went wrong</a>' in page
    assert "Go on all the same" in page
    assert page.count("btn primary") == 1
    assert "See why" in text_of(page_of(as_alice, rollout, show="bad"))
