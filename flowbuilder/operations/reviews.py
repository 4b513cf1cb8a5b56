"""A reviewer's yes, which a version needs before strangers see it. It is for what was asked: the content hash and the
description; anything new asks anew, and until then the earlier version stays."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.timezone import now as right_now

from accounts.audit import Act, record
from accounts.models import User
from flowbuilder.definition.canonical import content_hash
from flowbuilder.models import Review, TemplateFlow, Version

Verdict = Review.Verdict


class UnableToReview(Exception):
    """The text says why, and what to do."""


def ask_for_review(*, template: TemplateFlow, by: User | None, now: datetime | None = None) -> Review | None:
    """What everybody is to see, as it is now. None where nothing needs asking: it is not for everybody, or this very
    thing has its yes. A request that is open for something else lapses. Called where the template is locked or new.
    """
    version = template.current_version
    if template.visibility != TemplateFlow.Visibility.SITE:
        let_lapse(template=template, reason="It is not offered to everybody any more.", now=now)
        return None
    if version.withdrawn_at:
        return None
    same = Review.objects.filter(template_flow=template, version=version, description=template.description)
    if waiting := same.filter(verdict="").first():
        return waiting
    let_lapse(template=template, reason="Something newer asks in its place.", now=now)
    last = same.exclude(verdict=Verdict.LAPSED).first()
    if last and last.verdict == Verdict.YES and last.content_hash == version.content_hash:
        _show(template, last)
        return None
    return Review.objects.create(
        template_flow=template,
        version=version,
        content_hash=version.content_hash,
        description=template.description,
        asked_by=by,
        asked_at=now or right_now(),
    )


def let_lapse(
    *, template: TemplateFlow, reason: str, version: Version | None = None, now: datetime | None = None
) -> None:
    """Nobody needs to decide what is open any more; with `version`, only where it is for that one."""
    waiting = Review.objects.filter(template_flow=template, verdict="")
    if version is not None:
        waiting = waiting.filter(version=version)
    waiting.update(verdict=Verdict.LAPSED, reason=reason, decided_at=now or right_now())


def show_last_yes(*, template: TemplateFlow) -> None:
    """Strangers see the newest version with a yes that was not withdrawn, if there is one."""
    said = Review.objects.filter(template_flow=template, verdict=Verdict.YES, version__withdrawn_at=None)
    _show(template, said.order_by("-version__number", "-pk").first())


def _show(template: TemplateFlow, review: Review | None) -> None:
    template.public = review
    if review is not None and template.visibility == TemplateFlow.Visibility.SITE:
        template.name = review.version.name
    else:
        template.name = template.current_version.name
    template.save(update_fields=["public", "name"])


@transaction.atomic
def decide(
    *,
    review: Review,
    by: User,
    verdict: str,
    reason: str = "",
    seen: str = "",
    now: datetime | None = None,
) -> None:
    """A reviewer's yes or no; `seen` is the content hash of the page that they read. A no says why."""
    TemplateFlow.objects.select_for_update().get(pk=review.template_flow_id)
    rows = Review.objects.select_for_update(of=("self",)).select_related("template_flow", "version")
    review.refresh_from_db(from_queryset=rows)
    if review.verdict == Verdict.LAPSED:
        raise UnableToReview(f"This request lapsed: {review.reason} Nothing needs to be decided.")
    if review.verdict:
        raise UnableToReview(f"{review.decided_by or 'Somebody'} decided already: {review.verdict}.")
    if verdict not in (Verdict.YES, Verdict.NO):
        raise UnableToReview("Say yes or no.")
    if verdict == Verdict.NO and not reason.strip():
        raise UnableToReview("Say what to change: its author reads this.")
    if verdict == Verdict.YES:
        if review.asked_by_id == by.pk:
            raise UnableToReview("Somebody else has to say yes to what you asked for yourself.")
        if seen != review.content_hash or content_hash(review.version.document) != review.content_hash:
            raise UnableToReview("This is not what was asked for. Open it again from the list of reviews.")
    review.verdict, review.reason = verdict, reason.strip()
    review.decided_by, review.decided_at = by, now or right_now()
    review.save(update_fields=["verdict", "reason", "decided_by", "decided_at"])
    if verdict == Verdict.YES:
        _show(review.template_flow, review)
    text = f"{review.get_verdict_display()}. {review.reason}".strip()
    record(
        Act.REVIEWED, workspace=review.template_flow.workspace_id, thing=review.version, detail=text, by=by
    )
