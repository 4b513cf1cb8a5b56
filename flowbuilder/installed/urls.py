"""Doors of this room."""

from django.urls import path

from flowbuilder.installed import copies, drift, proposals, upgrades

app_name = "installed"
urlpatterns = [
    path("installs/<int:pk>/changes/", drift.page, name="drift"),
    path("installs/<int:pk>/changes/look/", drift.look, name="look"),
    path("installs/<int:pk>/changes/accept/", drift.accept, name="accept"),
    path("installs/<int:pk>/changes/put-back/", drift.put_back, name="put_back"),
    path("installs/<int:pk>/changes/propose/", drift.propose, name="propose"),
    path("installs/<int:pk>/versions/<int:number>/", upgrades.page, name="upgrade"),
    path("installs/<int:pk>/versions/<int:number>/look/", upgrades.look, name="upgrade_look"),
    path("installs/<int:pk>/versions/<int:number>/take/", upgrades.take, name="take"),
    path("w/<slug:slug>/copies/", copies.page, name="copies"),
    path("w/<slug:slug>/copies/<slug:template>/pause/", copies.pause, name="pause_all"),
    path("w/<slug:slug>/copies/<slug:template>/restore/", copies.restore, name="restore_all"),
    path("w/<slug:slug>/proposals/", proposals.page, name="proposals"),
    path("proposals/<int:pk>/", proposals.one, name="proposal"),
    path("proposals/<int:pk>/take/", proposals.take, name="take_proposal"),
    path("proposals/<int:pk>/decline/", proposals.decline, name="decline_proposal"),
]
