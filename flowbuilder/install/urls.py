"""Doors of this room."""

from django.urls import path

from flowbuilder.install import colliding, embedding, links, looking, outcome, trying, views, withdrawn

app_name = "install"
urlpatterns = [
    path("", views.show_list, name="list"),
    path("try/<int:pk>/", trying.wizard, name="wizard"),
    path("addresses/<slug:slug>/", embedding.addresses, name="addresses"),
    path("addresses/<slug:slug>/set/", embedding.set_addresses, name="set_addresses"),
    path("start/<slug:slug>/", views.start, name="start"),
    path("<int:pk>/", views.resume, name="open"),
    path("<int:pk>/connect/", views.connect, name="connect"),
    path("<int:pk>/choose/", views.choose, name="choose"),
    path("<int:pk>/answers/", views.answers, name="answers"),
    path("<int:pk>/answers/<slug:key>/", views.answer, name="answer"),
    path("<int:pk>/answers/<slug:key>/choices/", looking.choices, name="choices"),
    path("<int:pk>/answers/<slug:key>/figures/", looking.figures, name="figures"),
    path("<int:pk>/preview/", views.preview, name="preview"),
    path("<int:pk>/shape/", views.choose_shape, name="shape"),
    path("<int:pk>/leave-out/", colliding.leave_out, name="leave_out"),
    path("<int:pk>/content/<path:key>/", views.content, name="content"),
    path("<int:pk>/confirm/", views.confirm, name="confirm"),
    path("<int:pk>/withdrawn/", withdrawn.show, name="withdrawn"),
    path("<int:pk>/withdrawn/take/", withdrawn.take, name="take_current"),
    path("<int:pk>/progress/", outcome.progress, name="progress"),
    path("<int:pk>/reviewed/", outcome.reviewed, name="reviewed"),
    path("<int:pk>/reopen/", outcome.reopen, name="reopen"),
    path("<int:pk>/retry/", outcome.retry, name="retry"),
    path("<int:pk>/cancel/", outcome.cancel, name="cancel"),
    path("<int:pk>/links/", links.page, name="links"),
    path("<int:pk>/links/end/", links.end, name="end_links"),
    path("handed/<str:link>/", links.question, name="handed"),
    path("handed/<str:link>/answer/", links.answer, name="answer_handed"),
    path("shared/<str:link>/", links.preview, name="shared"),
    path("shared/<str:link>/approve/", links.approve, name="approve"),
    path("shared/<str:link>/content/<path:key>/", links.content, name="shared_content"),
]
