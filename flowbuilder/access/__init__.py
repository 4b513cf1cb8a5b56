"""Who may see and touch what. Every view begins here: what is not yours is 404, a role you lack is 403.

owner, designer     design flows and publish versions in their workspace
owner, merchant     install into their workspace's accounts
everybody           reads their own workspace; an operator's people read every publication
nobody in particular  reads template flows that a reviewer said yes to, or that they have the link of
an operator's owners and reviewers say yes or no to template flows
"""

from __future__ import annotations

from flowbuilder.access.alerts import delivery_or_404, listener_or_404
from flowbuilder.access.designs import design_or_404, email_or_404, flow_or_404, flows_of
from flowbuilder.access.history import (
    approval_or_404,
    approval_to_decide_or_404,
    approvals_for,
    audit_for,
    may_audit,
    publication_or_404,
    publications_for,
    publications_in,
    saved_view_or_404,
    saved_views_of,
    workspaces_seen,
)
from flowbuilder.access.installs import (
    LINK_DAYS,
    PREVIEW,
    QUESTION,
    LinkClosed,
    install_or_404,
    installs_of,
    rollout_or_404,
    shared_install,
    shared_link,
)
from flowbuilder.access.library import (
    link_of,
    may_review,
    opens,
    reviews_for,
    template_flow_or_404,
    template_flows_for,
    template_to_design_or_404,
    versions_for,
    versions_offered,
)
from flowbuilder.access.numbers import (
    Sight,
    accounts_seen,
    flows_shared,
    sight_or_404,
    sight_to_settle_or_404,
)
from flowbuilder.access.roles import DESIGNERS, INSTALLERS, REVIEWERS, Role, require_role, user_of

__all__ = [
    "DESIGNERS",
    "INSTALLERS",
    "LINK_DAYS",
    "PREVIEW",
    "QUESTION",
    "REVIEWERS",
    "LinkClosed",
    "Role",
    "Sight",
    "accounts_seen",
    "approval_or_404",
    "approval_to_decide_or_404",
    "approvals_for",
    "audit_for",
    "delivery_or_404",
    "design_or_404",
    "email_or_404",
    "flow_or_404",
    "flows_of",
    "flows_shared",
    "install_or_404",
    "installs_of",
    "link_of",
    "listener_or_404",
    "may_audit",
    "may_review",
    "opens",
    "publication_or_404",
    "publications_for",
    "publications_in",
    "require_role",
    "reviews_for",
    "rollout_or_404",
    "saved_view_or_404",
    "saved_views_of",
    "shared_install",
    "shared_link",
    "sight_or_404",
    "sight_to_settle_or_404",
    "template_flow_or_404",
    "template_flows_for",
    "template_to_design_or_404",
    "user_of",
    "versions_for",
    "versions_offered",
    "workspaces_seen",
]
