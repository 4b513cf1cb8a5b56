"""Doors of this room."""

from django.urls import path

from flowbuilder.rollouts import choosing, grid, views

app_name = "rollouts"
urlpatterns = [
    path("w/<slug:slug>/rollouts/", views.show_list, name="list"),
    path("w/<slug:slug>/rollouts/new/", choosing.new, name="new"),
    path("w/<slug:slug>/fit/", grid.grid, name="grid"),
    path("w/<slug:slug>/fit/read/", grid.read, name="grid_read"),
    path("w/<slug:slug>/fit/<int:account>/<slug:template>/install/", grid.install, name="grid_install"),
    path("rollouts/<int:pk>/", views.rollout, name="rollout"),
    path("rollouts/<int:pk>/look/", views.look, name="look"),
    path("rollouts/<int:pk>/again/", views.again, name="again"),
    path("rollouts/<int:pk>/answers/", views.answers, name="answers"),
    path("rollouts/<int:pk>/shape/", views.shape, name="shape"),
    path("rollouts/<int:pk>/add/", choosing.add, name="add"),
    path("rollouts/<int:pk>/start/", views.start, name="start"),
    path("rollouts/<int:pk>/pause/", views.pause, name="pause"),
    path("rollouts/<int:pk>/resume/", views.resume, name="resume"),
    path("rollouts/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("rollouts/<int:pk>/retry/", views.retry, name="retry"),
    path("rollouts/<int:pk>/accounts/<int:choice>/", views.account, name="account"),
    path("rollouts/<int:pk>/accounts/<int:choice>/leave-out/", views.leave_out, name="leave_out"),
]
