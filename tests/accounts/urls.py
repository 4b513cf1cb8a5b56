"""The doors of accounts with stand-ins for the other rooms, so that these tests need nobody else's."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import include, path

from accounts.views import home


@login_not_required
def room(request, **named):
    return HttpResponse("a room")


urlpatterns = [
    path("", home, name="home"),
    path("account/", include("allauth.account.urls")),
    path("", include("accounts.urls")),
    path("", include(([path("w/<slug:slug>/flows/", room, name="flows")], "editor"))),
    path("library/", include(([path("", room, name="list")], "library"))),
    path("history/", include(([path("", room, name="list")], "history"))),
    path("admin/", admin.site.urls),
]
