"""Doors of this room."""

from django.urls import URLPattern

app_name = "editor"
urlpatterns: list[URLPattern] = []
