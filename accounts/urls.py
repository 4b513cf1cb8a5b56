"""Doors of this room, included at the root. The callback's full address is registered at Klaviyo."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("workspaces/new/", views.new_workspace, name="new_workspace"),
    path("workspaces/<slug:slug>/use/", views.use, name="use"),
    path("w/<slug:slug>/accounts/", views.accounts, name="list"),
    path("w/<slug:slug>/accounts/connect/", views.connect, name="connect"),
    path("w/<slug:slug>/accounts/key/", views.connect_key, name="connect_key"),
    path("accounts/callback/", views.callback, name="callback"),
    path("accounts/<int:pk>/disconnect/", views.end_connection, name="disconnect"),
    path("accounts/<int:pk>/reconnect/", views.reconnect, name="reconnect"),
    path("people/token/", views.api_token, name="api_token"),
]
