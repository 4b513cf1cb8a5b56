"""Doors of this room."""

from django.urls import path

from flowbuilder.approvals import views

app_name = "approvals"
urlpatterns = [
    path("approvals/", views.show_list, name="list"),
    path("approvals/<int:pk>/", views.show, name="approval"),
    path("approvals/<int:pk>/decide/", views.decide, name="decide"),
    path("approvals/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("w/<slug:slug>/approvals/", views.settings, name="settings"),
]
