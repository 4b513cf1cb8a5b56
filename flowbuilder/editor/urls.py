"""Doors of the editor: lists of flows, one flow, and the acts on it. Nouns, then acts."""

from django.urls import path

from flowbuilder.editor import acts, flows, views

app_name = "editor"
urlpatterns = [
    path("w/<slug:slug>/flows/", flows.flows, name="flows"),
    path("w/<slug:slug>/flows/new/", flows.new, name="new"),
    path("w/<slug:slug>/flows/import/", flows.import_file, name="import"),
    path("flows/<int:pk>/", views.editor, name="editor"),
    path("flows/<int:pk>/export/", views.export, name="export"),
    path("flows/<int:pk>/contents/<slug:key>/", views.content, name="content"),
    path("flows/<int:pk>/rename/", acts.rename, name="rename"),
    path("flows/<int:pk>/trigger/", acts.trigger, name="trigger"),
    path("flows/<int:pk>/steps/add/", acts.add, name="add"),
    path("flows/<int:pk>/steps/<str:key>/", acts.change, name="change"),
    path("flows/<int:pk>/steps/<str:key>/delete/", acts.delete, name="delete"),
    path("flows/<int:pk>/steps/<str:key>/move/", acts.move, name="move"),
    path("flows/<int:pk>/steps/<str:key>/swap/", acts.swap, name="swap"),
    path("flows/<int:pk>/publish/", acts.publish, name="publish"),
]
