"""Every door of the site. Each must stand in the access table of the tests, or the tests fail."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import home
from flowbuilder.health.probes import healthz, readyz
from flowbuilder.install.embedding import arrive

urlpatterns = [
    path("", home, name="home"),
    path("account/", include("allauth.account.urls")),
    path("", include("accounts.urls")),
    path("", include("flowbuilder.editor.urls")),
    path("", include("flowbuilder.emails.urls")),
    path("", include("flowbuilder.library.urls")),
    path("install/<slug:slug>/", arrive, name="arrive"),  # stands in other people's pages
    path("installs/", include("flowbuilder.install.urls")),
    path("", include("flowbuilder.installed.urls")),
    path("", include("flowbuilder.rollouts.urls")),
    path("", include("flowbuilder.approvals.urls")),
    path("", include("flowbuilder.health.urls")),
    path("history/", include("flowbuilder.history.urls")),
    path("", include("flowbuilder.performance.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("api/", include("flowbuilder.api.urls")),
    path("admin/", admin.site.urls),
]
