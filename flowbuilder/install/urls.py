"""Doors of this room."""

from django.urls import path

from flowbuilder.install import outcome, views

app_name = "install"
urlpatterns = [
    path("", views.show_list, name="list"),
    path("start/<slug:slug>/", views.start, name="start"),
    path("<int:pk>/", views.resume, name="open"),
    path("<int:pk>/connect/", views.connect, name="connect"),
    path("<int:pk>/choose/", views.choose, name="choose"),
    path("<int:pk>/answers/", views.answers, name="answers"),
    path("<int:pk>/answers/<slug:key>/", views.answer, name="answer"),
    path("<int:pk>/preview/", views.preview, name="preview"),
    path("<int:pk>/shape/", views.choose_shape, name="shape"),
    path("<int:pk>/content/<path:key>/", views.content, name="content"),
    path("<int:pk>/confirm/", views.confirm, name="confirm"),
    path("<int:pk>/progress/", outcome.progress, name="progress"),
    path("<int:pk>/reopen/", outcome.reopen, name="reopen"),
    path("<int:pk>/retry/", outcome.retry, name="retry"),
    path("<int:pk>/cancel/", outcome.cancel, name="cancel"),
]
