"""Doors of this room."""

from django.urls import path, re_path

from flowbuilder.history import views

app_name = "history"
urlpatterns = [
    path("", views.publications, name="list"),
    path("<int:pk>/", views.publication, name="publication"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/retry/", views.retry, name="retry"),
    re_path(
        r"^(?P<pk>[0-9]{1,18})/attempts/(?P<number>[0-9]{1,9})/(?P<part>request|answer)\.json$",
        views.attempt,
        name="attempt",
    ),
]
