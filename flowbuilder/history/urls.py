"""Doors of this room."""

from django.urls import path, re_path

from flowbuilder.history import after, audit, exports, receipts, views

app_name = "history"
urlpatterns = [
    path("", views.publications, name="list"),
    path("<int:pk>/", views.publication, name="publication"),
    re_path(r"^publications\.(?P<form>csv|json)$", exports.export, name="export"),
    path("audit/", audit.page, name="audit"),
    re_path(r"^audit\.(?P<form>csv|json)$", audit.export, name="audit_export"),
    path("views/", views.save_view, name="save_view"),
    path("views/<int:pk>/forget/", views.forget_view, name="forget_view"),
    path("<int:pk>/receipt/", receipts.receipt, name="receipt"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/retry/", views.retry, name="retry"),
    path("<int:pk>/decide/", views.decide, name="decide"),
    path("installs/<int:pk>/", after.page, name="after"),
    path("installs/<int:pk>/<slug:act>/", after.act, name="act"),
    re_path(
        r"^(?P<pk>[0-9]{1,18})/attempts/(?P<number>[0-9]{1,9})/(?P<part>request|answer)\.json$",
        views.attempt,
        name="attempt",
    ),
]
