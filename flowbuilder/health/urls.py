"""Doors of this room; those for machines are in flowbuilder/urls.py."""

from django.urls import path

from flowbuilder.health import alerts, views

app_name = "health"
urlpatterns = [
    path("w/<slug:slug>/health/", views.page, name="page"),
    path("w/<slug:slug>/alerts/", alerts.page, name="alerts"),
    path("w/<slug:slug>/alerts/add/", alerts.add, name="add"),
    path("w/<slug:slug>/alerts/limits/", alerts.limits, name="limits"),
    path("listeners/<int:pk>/change/", alerts.change, name="change"),
    path("listeners/<int:pk>/remove/", alerts.remove, name="remove"),
    path("listeners/<int:pk>/secret/", alerts.renew, name="renew"),
    path("listeners/<int:pk>/test/", alerts.test, name="test"),
    path("deliveries/<int:pk>/again/", alerts.again, name="again"),
]
