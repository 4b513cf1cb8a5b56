"""Doors of this room. The library and a public template's pages are open to the world."""

from django.urls import path

from flowbuilder.library import extracting, offering, reviewing, views

app_name = "library"
urlpatterns = [
    path("library/", views.show_list, name="list"),
    path("library/<slug:slug>/", views.show_page, name="page"),
    path("library/<slug:slug>/compare/", views.compare, name="compare"),
    path("library/<slug:slug>/offer/", offering.offer, name="offer"),
    path("library/<slug:slug>/offer/link/", offering.renew_link, name="renew_link"),
    path("library/<slug:slug>/versions/<int:number>/withdraw/", offering.withdraw, name="withdraw"),
    path("reviews/", reviewing.show_list, name="reviews"),
    path("reviews/<int:pk>/", reviewing.show, name="review"),
    path("reviews/<int:pk>/decide/", reviewing.decide, name="decide"),
    path("w/<slug:slug>/extract/", extracting.choose, name="extract"),
    path("w/<slug:slug>/extract/file/", extracting.take_file, name="extract_file"),
    path("w/<slug:slug>/extract/<int:pk>/", extracting.choose_flow, name="extract_from"),
    path("w/<slug:slug>/extract/<int:pk>/<slug:flow>/", extracting.take_flow, name="extract_flow"),
    path("flows/<int:pk>/extract/", extracting.found, name="found"),
]
