"""Views of the API: access, a body, one operation or query, a shape. Errors are answered by errors.py."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import account_or_404, workspace_or_404
from accounts.models import Grant, KlaviyoAccount, Membership, User, Workspace
from flowbuilder import access
from flowbuilder.api import shapes
from flowbuilder.api.bodies import Json
from flowbuilder.api.errors import Refusal
from flowbuilder.api.pages import Names, Newest
from flowbuilder.definition.frozen import Frozen
from flowbuilder.definition.reading import UnableToImport
from flowbuilder.definition.writing import create_body, to_definition, with_defaults
from flowbuilder.models import Flow, Install, Publication, TemplateFlow, Version
from flowbuilder.operations import designs, installs, library
from flowbuilder.queries import Design
from flowbuilder.queries.library import offer_of

WRONG = {"4XX": shapes.Errors}


class View(GenericAPIView):
    parser_classes: ClassVar[list[type]] = [Json]
    pagination_class = Newest
    metadata_class = None

    def page(self, rows: QuerySet[Any], shape: type[Any]) -> Response:
        found = self.paginate_queryset(rows)
        return self.get_paginated_response(shape(found, many=True).data)

    def body(self, shape: type[shapes.Body]) -> dict[str, Any]:
        given = shape(data=self.request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = given.validated_data
        return values


class Start(View):
    @extend_schema(responses={200: shapes.Addresses}, summary="What there is")
    def get(self, request: Request) -> Response:
        names = ("flows", "template_flows", "accounts", "publications", "schema")
        return Response({name: request.build_absolute_uri(reverse(f"api:{name}")) for name in names})


class Nothing(View):
    """Addresses that lead nowhere answer in the same shape."""

    permission_classes: ClassVar[list[type]] = [AllowAny]
    authentication_classes: ClassVar[list[type]] = []
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        slash = "" if request.path.endswith("/") else " Addresses end with a slash."
        raise NotFound(f"There is nothing at {request.path[:200]}.{slash}")


# --- Flows -------------------------------------------------------------------------------------------------------


class Flows(View):
    queryset = Flow.objects.none()

    @extend_schema(
        responses={200: shapes.FlowLine(many=True), **WRONG},
        parameters=[OpenApiParameter("workspace", str, description="Only those of this workspace (slug).")],
        summary="Flows of your workspaces",
    )
    def get(self, request: Request) -> Response:
        rows = access.flows_of(request.user).select_related("workspace")
        if slug := request.query_params.get("workspace"):
            rows = rows.filter(workspace=workspace_or_404(request.user, slug))
        return self.page(rows, shapes.FlowLine)

    @extend_schema(
        request=shapes.ImportBody, responses={201: shapes.Imported, **WRONG}, summary="Import a flow"
    )
    def post(self, request: Request) -> Response:
        body = self.body(shapes.ImportBody)
        workspace = workspace_or_404(request.user, body["workspace"], access.DESIGNERS)
        try:
            flow, read = designs.import_document(
                workspace=workspace, by=request.user, document=body["document"], name=body["name"]
            )
        except UnableToImport as error:
            raise Refusal((one.code, one.text, "/document") for one in error.problems) from None
        design = Design(flow)
        answer = {"id": flow.pk, "problems": design.told([*read.notes, *design.problems])}
        place = reverse("api:flow", args=[flow.pk])
        return Response(answer, status=201, headers={"Location": place})


class OneFlow(View):
    @extend_schema(responses={200: shapes.FlowWhole, **WRONG}, summary="A flow, with its questions in place")
    def get(self, request: Request, pk: int) -> Response:
        flow = access.flow_or_404(request.user, pk, to_design=False)
        shown = shapes.FlowLine(flow).data
        return Response({**shown, "definition": to_definition(Design(flow).graph)})


class FlowExport(View):
    @extend_schema(
        responses={200: shapes.CreateBody, **WRONG},
        summary="A flow as Klaviyo's Create Flow takes it, questions replaced by their defaults",
    )
    def get(self, request: Request, pk: int) -> Response:
        flow = access.flow_or_404(request.user, pk, to_design=False)
        design = Design(flow)
        definition = with_defaults(to_definition(design.graph), design.defaults)
        return Response(create_body(flow.name, definition))


class FlowProblems(View):
    @extend_schema(responses={200: shapes.Problems, **WRONG}, summary="What is wrong with a flow")
    def get(self, request: Request, pk: int) -> Response:
        design = Design(access.flow_or_404(request.user, pk, to_design=False))
        return Response({"problems": design.told(design.problems)})


# --- Versions ----------------------------------------------------------------------------------------------------


class Versions(View):
    queryset = Version.objects.none()

    @extend_schema(
        responses={200: shapes.VersionLine(many=True), **WRONG}, summary="Versions of a flow, newest first"
    )
    def get(self, request: Request, pk: int) -> Response:
        flow = access.flow_or_404(request.user, pk, to_design=False)
        return self.page(flow.versions.select_related("author").defer("document"), shapes.VersionLine)

    @extend_schema(
        request=shapes.PublishBody, responses={201: shapes.Published, **WRONG}, summary="Publish a version"
    )
    def post(self, request: Request, pk: int) -> Response:
        flow = access.flow_or_404(request.user, pk)
        body = self.body(shapes.PublishBody)
        try:
            with transaction.atomic():
                version = library.publish_version(flow=flow, by=request.user, notes=body["notes"])
                offer = body["offer"]
                template = library.offer_in_library(version=version, **offer) if offer is not None else None
        except library.UnableToPublish as error:
            wrong = Design(flow).told(error.problems)
            raise Refusal((one["code"], one["text"], one["pointer"]) for one in wrong) from None
        shown = shapes.VersionLine(version).data
        place = reverse("api:version", args=[version.pk])
        answer = {**shown, "template_flow": template.slug if template else None}
        return Response(answer, status=201, headers={"Location": place})


class OneVersion(View):
    @extend_schema(responses={200: shapes.VersionWhole, **WRONG}, summary="A version with its document")
    def get(self, request: Request, pk: int) -> Response:
        version = access.versions_for(request.user).select_related("author").filter(pk=pk).first()
        if version is None:
            raise Http404
        return Response(shapes.VersionWhole(version).data)


# --- The library and the accounts -------------------------------------------------------------------------------------


class TemplateFlows(View):
    queryset = TemplateFlow.objects.none()
    pagination_class = Names

    @extend_schema(
        responses={200: shapes.TemplateFlowLine(many=True), **WRONG}, summary="The library, by name"
    )
    def get(self, request: Request) -> Response:
        rows = access.template_flows_for(request.user).select_related(
            "workspace", "current_version", "public__version"
        )
        found = self.paginate_queryset(rows.defer("current_version__document", "public__version__document"))
        offers = [offer for one in found or () if (offer := offer_of(one))]
        return self.get_paginated_response(shapes.TemplateFlowLine(offers, many=True).data)


class OneTemplateFlow(View):
    @extend_schema(
        responses={200: shapes.TemplateFlowWhole, **WRONG}, summary="A template flow and its questions"
    )
    def get(self, request: Request, slug: str) -> Response:
        template = access.template_flow_or_404(request.user, slug)
        offer = offer_of(template)
        if offer is None:
            raise Http404
        shown = shapes.TemplateFlowLine(offer).data
        questions = shapes.Question(offer.questions, many=True).data
        return Response({**shown, "questions": questions})


class Accounts(View):
    queryset = KlaviyoAccount.objects.none()
    pagination_class = Names

    @extend_schema(
        responses={200: shapes.Account(many=True), **WRONG},
        summary="Klaviyo accounts your workspaces may use",
    )
    def get(self, request: Request) -> Response:
        return self.page(accounts_for(request.user), shapes.Account)


def accounts_for(user: User) -> QuerySet[KlaviyoAccount]:
    """The accounts that a live grant opens to one of the person's workspaces. Tokens are not even read."""
    grant = Grant.objects.filter(
        account=OuterRef("pk"), withdrawn_at=None, workspace__memberships__user_id=user.pk
    )
    return (
        KlaviyoAccount.objects.filter(Exists(grant.filter(can_read=True)))
        .annotate(can_publish=Exists(grant.filter(can_publish=True)))
        .only("klaviyo_id", "name", "timezone", "currency", "is_test", "state", "state_reason")
    )


# --- Publications ------------------------------------------------------------------------------------------------


def publications_of(user: User) -> QuerySet[Publication]:
    related = ("workspace", "version", "account", "asked_by", "install__template_flow")
    tokens = ("account__access_token", "account__refresh_token", "account__api_key")
    return access.publications_for(user).select_related(*related).defer("version__document", *tokens)


class Publications(View):
    queryset = Publication.objects.none()

    @extend_schema(
        responses={200: shapes.PublicationLine(many=True), **WRONG}, summary="Publications, newest first"
    )
    def get(self, request: Request) -> Response:
        return self.page(publications_of(request.user), shapes.PublicationLine)

    @extend_schema(
        request=shapes.AskBody,
        responses={201: shapes.PublicationLine, **WRONG},
        summary="Install a template flow into an account: the owner's yes, with all answers",
    )
    def post(self, request: Request) -> Response:
        body = self.body(shapes.AskBody)
        template = access.template_flow_or_404(request.user, body["template_flow"])
        account = account_or_404(request.user, body["account"], "publish")
        workspace = workspace_to_install_for(request.user, account, body["workspace"])
        try:
            with transaction.atomic():
                install = installs.start_install(template=template, workspace=workspace, by=request.user)
                installs.choose_account(install=install, account=account)
                answer_all(install, body["answers"])
                publication = installs.confirm_install(install=install, by=request.user)
        except installs.UnableToInstall as error:
            wrong = [(one.code, one.text, None) for one in error.problems]
            raise Refusal(wrong or [("unable-to-install", str(error), None)]) from None
        place = reverse("api:publication", args=[publication.pk])
        shown = publications_of(request.user).get(pk=publication.pk)
        return Response(shapes.PublicationLine(shown).data, status=201, headers={"Location": place})


def workspace_to_install_for(user: User, account: KlaviyoAccount, slug: str) -> Workspace:
    """The one that was named, or the person's oldest that may publish to the account. 404 or 403 where none may."""
    may = Membership.objects.filter(
        user=user,
        workspace__grants__account=account,
        workspace__grants__can_publish=True,
        workspace__grants__withdrawn_at=None,
    ).select_related("workspace")
    if slug:
        may = may.filter(workspace__slug=slug)
    found = sorted(may, key=lambda one: (one.role not in access.INSTALLERS, one.created_at, one.pk))
    if not found:
        raise Http404
    workspace = found[0].workspace
    access.require_role(
        user, workspace, access.INSTALLERS, "Only merchants and owners install template flows."
    )
    return workspace


def answer_all(install: Install, answers: dict[str, Any]) -> None:
    """Exactly these answers, whatever somebody chose before. Refusal names each key that is wrong or missing."""
    install.refresh_from_db()
    questions = Frozen(install.version.document).questions
    wrong: list[tuple[str, str, str | None]] = []
    for key in dict.fromkeys([*(one.key for one in questions), *answers]):
        try:
            installs.answer_question(install=install, key=key, value=answers.get(key))
        except installs.UnableToInstall as error:
            wrong.append(("wrong-answer", str(error), pointer_of(key)))
    if wrong:
        raise Refusal(wrong)
    install.refresh_from_db()
    missing = installs.open_questions(install)
    if missing:
        raise Refusal(
            ("missing-answer", f"“{one.key}” has no answer: {one.question}", pointer_of(one.key))
            for one in missing
        )


def pointer_of(key: str) -> str:
    return "/answers/" + key.replace("~", "~0").replace("/", "~1")


class OnePublication(View):
    @extend_schema(
        responses={200: shapes.PublicationWhole, **WRONG}, summary="A publication with every attempt"
    )
    def get(self, request: Request, pk: int) -> Response:
        publication = publications_of(request.user).filter(pk=pk).first()
        if publication is None:
            raise Http404
        shown = shapes.PublicationLine(publication).data
        made = shapes.OneMade(publication.made.all(), many=True).data
        attempts = shapes.OneAttempt(publication.attempts.all(), many=True).data
        rest = {"answers": publication.answers, "refusals": publication.refusals}
        return Response({**shown, **rest, "made": made, "attempts": attempts})
