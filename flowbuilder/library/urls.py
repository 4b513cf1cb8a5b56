"""Doors of this room."""

from django.urls import path

from flowbuilder.library import views

app_name = "library"
urlpatterns = [
    path("", views.show_list, name="list"),
    path("<slug:slug>/", views.show_page, name="page"),
]
