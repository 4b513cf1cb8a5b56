"""Every door of the site. Each must stand in the access table of the tests, or the tests fail."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import home

urlpatterns = [
    path("", home, name="home"),
    path("account/", include("allauth.account.urls")),
    path("", include("accounts.urls")),
    path("", include("flowbuilder.editor.urls")),
    path("", include("flowbuilder.emails.urls")),
    path("library/", include("flowbuilder.library.urls")),
    path("installs/", include("flowbuilder.install.urls")),
    path("", include("flowbuilder.rollouts.urls")),
    path("history/", include("flowbuilder.history.urls")),
    path("api/", include("flowbuilder.api.urls")),
    path("admin/", admin.site.urls),
]
