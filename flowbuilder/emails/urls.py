"""Doors to the emails of a workspace."""

from django.urls import path

from flowbuilder.emails import asking, frames, views

app_name = "emails"
urlpatterns = [
    path("w/<slug:slug>/emails/", views.emails, name="list"),
    path("w/<slug:slug>/emails/new/", views.new, name="new"),
    path("emails/<int:pk>/", views.email, name="email"),
    path("emails/<int:pk>/copy/", views.copy, name="copy"),
    path("emails/<int:pk>/delete/", views.delete, name="delete"),
    path("emails/<int:pk>/test/", views.test, name="test"),
    path("emails/<int:pk>/ask/", asking.ask, name="ask"),
    path("emails/<int:pk>/unask/", asking.stop, name="unask"),
    path("emails/<int:pk>/frame/", frames.frame, name="frame"),
    path("emails/<int:pk>/preview/", frames.preview, name="preview"),
    path("emails/<int:pk>/check/", frames.check, name="check"),
]
