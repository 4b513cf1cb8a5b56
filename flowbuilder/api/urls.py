"""Doors of this room. What leads nowhere under /api/ answers in the API's own shape."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from flowbuilder.api import views

app_name = "api"
urlpatterns = [
    path("", views.Start.as_view(), name="start"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("flows/", views.Flows.as_view(), name="flows"),
    path("flows/<int:pk>/", views.OneFlow.as_view(), name="flow"),
    path("flows/<int:pk>/export/", views.FlowExport.as_view(), name="flow_export"),
    path("flows/<int:pk>/problems/", views.FlowProblems.as_view(), name="flow_problems"),
    path("flows/<int:pk>/versions/", views.Versions.as_view(), name="versions"),
    path("versions/<int:pk>/", views.OneVersion.as_view(), name="version"),
    path("template-flows/", views.TemplateFlows.as_view(), name="template_flows"),
    path("template-flows/<slug:slug>/", views.OneTemplateFlow.as_view(), name="template_flow"),
    path("accounts/", views.Accounts.as_view(), name="accounts"),
    path("publications/", views.Publications.as_view(), name="publications"),
    path("publications/<int:pk>/", views.OnePublication.as_view(), name="publication"),
    re_path(r"", views.Nothing.as_view(), name="nothing"),
]
