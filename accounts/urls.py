"""Doors of this room, included at the root. The callback's full address is registered at Klaviyo."""

from django.urls import path

from accounts import member_views, views

app_name = "accounts"
urlpatterns = [
    path("workspaces/new/", views.new_workspace, name="new_workspace"),
    path("workspaces/<slug:slug>/use/", views.use, name="use"),
    path("w/<slug:slug>/accounts/", views.accounts, name="list"),
    path("w/<slug:slug>/accounts/connect/", views.connect, name="connect"),
    path("w/<slug:slug>/accounts/key/", views.connect_key, name="connect_key"),
    path("w/<slug:slug>/members/", member_views.members, name="members"),
    path("w/<slug:slug>/members/invite/", member_views.invite, name="invite"),
    path("members/<int:pk>/role/", member_views.change_role, name="change_role"),
    path("members/<int:pk>/remove/", member_views.remove, name="remove_member"),
    path("invitations/<int:pk>/end/", member_views.end_invitation, name="end_invitation"),
    path("join/<str:key>/", member_views.join, name="join"),
    path("accounts/callback/", views.callback, name="callback"),
    path("accounts/<int:pk>/disconnect/", views.end_connection, name="disconnect"),
    path("accounts/<int:pk>/reconnect/", views.reconnect, name="reconnect"),
    path("people/token/", views.api_token, name="api_token"),
]
