"""Doors of the editor: lists of flows, one flow, and the acts on it. Nouns, then acts."""

from django.urls import path

from flowbuilder.editor import acts, flows, people, pickers, styleguide, views

app_name = "editor"
urlpatterns = [
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("w/<slug:slug>/flows/", flows.flows, name="flows"),
    path("w/<slug:slug>/flows/new/", flows.new, name="new"),
    path("w/<slug:slug>/flows/import/", flows.import_file, name="import"),
    path("flows/<int:pk>/", views.editor, name="editor"),
    path("flows/<int:pk>/export/", views.export, name="export"),
    path("flows/<int:pk>/pick/<slug:kind>/", pickers.pick, name="pick"),
    path("flows/<int:pk>/pulse/", people.pulse, name="pulse"),
    path("flows/<int:pk>/rename/", acts.rename, name="rename"),
    path("flows/<int:pk>/trigger/", acts.trigger, name="trigger"),
    path("flows/<int:pk>/undo/", acts.undo, name="undo"),
    path("flows/<int:pk>/redo/", acts.redo, name="redo"),
    path("flows/<int:pk>/restore/", acts.restore, name="restore"),
    path("flows/<int:pk>/paste/", acts.paste, name="paste"),
    path("flows/<int:pk>/connect/", acts.connect, name="connect"),
    path("flows/<int:pk>/disconnect/", acts.disconnect, name="disconnect"),
    path("flows/<int:pk>/questions/<slug:key>/", acts.question, name="question"),
    path("flows/<int:pk>/questions/<slug:key>/switches/", acts.switched, name="switched"),
    path("flows/<int:pk>/steps/add/", acts.add, name="add"),
    path("flows/<int:pk>/steps/<str:key>/", acts.change, name="change"),
    path("flows/<int:pk>/steps/<str:key>/settle/", acts.settle, name="settle"),
    path("flows/<int:pk>/steps/<str:key>/type/", acts.type, name="type"),
    path("flows/<int:pk>/steps/<str:key>/repair/", acts.repair, name="repair"),
    path("flows/<int:pk>/steps/<str:key>/duplicate/", acts.duplicate, name="duplicate"),
    path("flows/<int:pk>/steps/<str:key>/copy/", acts.copy, name="copy"),
    path("flows/<int:pk>/steps/<str:key>/cut/", acts.cut, name="cut"),
    path("flows/<int:pk>/steps/<str:key>/delete/", acts.delete, name="delete"),
    path("flows/<int:pk>/steps/<str:key>/move/", acts.move, name="move"),
    path("flows/<int:pk>/steps/<str:key>/swap/", acts.swap, name="swap"),
    path("flows/<int:pk>/steps/<str:key>/switch/", acts.switch, name="switch"),
    path("flows/<int:pk>/publish/", acts.publish, name="publish"),
]
