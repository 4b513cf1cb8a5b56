"""Doors of this room."""

from django.urls import path, re_path

from flowbuilder.history import after, views

app_name = "history"
urlpatterns = [
    path("", views.publications, name="list"),
    path("<int:pk>/", views.publication, name="publication"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/retry/", views.retry, name="retry"),
    path("<int:pk>/decide/", views.decide, name="decide"),
    path("installs/<int:pk>/", after.page, name="after"),
    path("installs/<int:pk>/<slug:act>/", after.act, name="act"),
    re_path(
        r"^(?P<pk>[0-9]{1,18})/attempts/(?P<number>[0-9]{1,9})/(?P<part>request|answer)\.json$",
        views.attempt,
        name="attempt",
    ),
]
