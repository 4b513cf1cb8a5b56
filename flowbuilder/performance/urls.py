"""Doors of this room."""

from django.urls import path

from flowbuilder.performance import views

app_name = "performance"
urlpatterns = [
    path("w/<slug:slug>/performance/", views.workspace, name="workspace"),
    path("performance/accounts/<int:pk>/", views.account, name="account"),
    path("performance/accounts/<int:pk>/flows/<str:flow>/", views.flow, name="flow"),
    path("performance/accounts/<int:pk>/numbers.csv", views.export, name="export"),
    path("performance/accounts/<int:pk>/metric/", views.metric, name="metric"),
    path("performance/accounts/<int:pk>/ask/", views.ask, name="ask"),
    path("performance/accounts/<int:pk>/share/", views.share, name="share"),
    path("performance/templates/<slug:slug>/", views.template, name="template"),
    path("performance/reports/<int:pk>/", views.report, name="report"),
    path("performance/reports/<int:pk>.csv", views.report_export, name="report_export"),
]
