"""People, workspaces, the Klaviyo accounts they connected, and what everybody did. Facts; rules live in operations.

User -- Membership(role) -- Workspace -- Grant(rights) -- KlaviyoAccount
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from accounts.crypto import EncryptedTextField


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who signs in with an email address."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField(default=False, help_text="May open the site's admin.")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)


class Workspace(models.Model):
    """A partner, a merchant, or the operator of this site. Everything of ours belongs to exactly one."""

    class Kind(models.TextChoices):
        PARTNER = "partner", "Partner: designs template flows"
        MERCHANT = "merchant", "Merchant: installs them"
        OPERATOR = "operator", "Operator of this site"

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PARTNER)
    # what is to happen in its accounts waits for a second person's yes
    needs_approval = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="workspaces"
    )

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        DESIGNER = "designer", "Designer"
        MERCHANT = "merchant", "Merchant"
        REVIEWER = "reviewer", "Reviewer"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.OWNER)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "workspace"], name="one_membership_a_workspace"),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace} as {self.role}"


class Invitation(models.Model):
    """Somebody is asked to join a workspace, by a signed link in a mail to that address: used once."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # joined, taken back, or sent anew

    class Meta:
        ordering = ("-created_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=Q(ended_at=None),
                name="one_open_invitation_an_address",
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} to {self.workspace} as {self.role}"


class KlaviyoAccount(models.Model):
    """A Klaviyo account, once on the whole site: limits, tokens and lanes are per app and account."""

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        DISCONNECTED = "disconnected", "Disconnected"

    klaviyo_id = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=200)
    timezone = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=8, blank=True)
    is_test = models.BooleanField(default=False)
    sender_email = models.CharField(max_length=254, blank=True)
    sender_name = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(Workspace, models.PROTECT, related_name="owned_accounts")
    state = models.CharField(max_length=12, choices=State, default=State.CONNECTED)
    state_reason = models.CharField(max_length=300, blank=True)
    connected_at = models.DateTimeField(default=now)
    disconnected_at = models.DateTimeField(null=True, blank=True)

    # One of the two ways in. Nothing here is ever plain in the database.
    access_token = EncryptedTextField(null=True, blank=True)
    refresh_token = EncryptedTextField(null=True, blank=True)
    api_key = EncryptedTextField(null=True, blank=True)
    scopes = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    # Who renews the token holds this lease: no transaction stays open over the network.
    renewing_until = models.DateTimeField(null=True, blank=True)

    workspaces: models.ManyToManyField[Workspace, Grant] = models.ManyToManyField(
        Workspace, through="Grant", related_name="accounts"
    )

    def __str__(self) -> str:
        return self.name

    @property
    def is_connected(self) -> bool:
        return self.state == self.State.CONNECTED

    @property
    def way_in(self) -> str:
        return "private API key" if self.api_key else "OAuth"


class Grant(models.Model):
    """Consent as a row: a workspace touches an account only through one, checked again in the worker."""

    account = models.ForeignKey(KlaviyoAccount, models.CASCADE, related_name="grants")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="grants")
    can_read = models.BooleanField(default=True)
    can_publish = models.BooleanField(default=False)
    can_report = models.BooleanField(default=False)
    given_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    given_at = models.DateTimeField(default=now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["account", "workspace"],
                condition=Q(withdrawn_at=None),
                name="one_live_grant_a_workspace",
            ),
        )

    def __str__(self) -> str:
        return f"{self.workspace} may use {self.account}"


class OAuthState(models.Model):
    """One trip to the consent page: unguessable, kept here, bound to the browser session, used once."""

    state_hash = models.CharField(max_length=64, unique=True)
    session_hash = models.CharField(max_length=64)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    verifier = EncryptedTextField()
    next_url = models.CharField(max_length=500, blank=True)
    expected_account = models.ForeignKey(
        KlaviyoAccount, models.CASCADE, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=now)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(used_at__gte=F("created_at")), name="used_after_it_was_made"
            ),
        )

    def __str__(self) -> str:
        return f"consent trip {self.pk}"


class CatalogEntry(models.Model):
    """A metric, list, segment or email template of an account, as last read. For pickers; never the truth."""

    class Kind(models.TextChoices):
        METRIC = "metric", "Metric"
        LIST = "list", "List"
        SEGMENT = "segment", "Segment"
        TEMPLATE = "template", "Email template"

    account = models.ForeignKey(KlaviyoAccount, models.CASCADE, related_name="catalog")
    kind = models.CharField(max_length=10, choices=Kind)
    klaviyo_id = models.CharField(max_length=40)
    name = models.CharField(max_length=300)
    integration = models.CharField(max_length=200, blank=True)
    # Of a metric: what Klaviyo maps it as, words apart. Plain text and mostly empty: thousands are read at once.
    roles = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)  # of a template, as Klaviyo says
    read_at = models.DateTimeField(default=now)
    # What figures.py counted: events of a metric in 30 days and the day of the last in 90; profiles of the others.
    count = models.PositiveBigIntegerField(null=True, blank=True)
    last_on = models.DateField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name", "integration", "klaviyo_id")
        verbose_name_plural = "catalog entries"
        constraints = (
            models.UniqueConstraint(fields=["account", "kind", "klaviyo_id"], name="one_entry_a_thing"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.integration})" if self.integration else self.name


class Allowance(models.Model):
    """The calls of one account to one endpoint that may still count against its limits; see budget.py."""

    account = models.ForeignKey(KlaviyoAccount, models.CASCADE, related_name="allowances")
    endpoint = models.CharField(max_length=80)
    version = models.PositiveBigIntegerField(
        default=0
    )  # each change counts one up: no two workers write over
    log = models.JSONField(default=list)  # [[time, calls], ...], oldest first; seconds since 1970
    allowed = models.JSONField(default=dict)  # {"60": calls}, as the account's own headers said
    blocked_until = models.FloatField(null=True, blank=True)  # seconds since 1970, after a 429

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "endpoint"], name="one_allowance_an_endpoint"),
        )

    def __str__(self) -> str:
        return f"{self.endpoint} of account {self.account_id}"


class AuditEntry(models.Model):
    """Somebody did something, or tried to. Rows are only ever added, by audit.record; the database sees to that
    (guards.py). A person or a workspace that is gone is taken out, and nothing put in its place."""

    class Act(models.TextChoices):
        SIGNED_IN = "signed-in", "Signed in"
        SIGN_IN_FAILED = "sign-in-failed", "A sign-in failed"
        SIGNED_OUT = "signed-out", "Signed out"
        REFUSED = "refused", "Tried what they may not"
        WORKSPACE = "workspace", "Made a workspace"
        ROLE = "role", "Gave, changed or took a role"
        INVITED = "invited", "Invited somebody, or took it back"
        JOINED = "joined", "Joined a workspace"
        SETTINGS = "settings", "Changed settings"
        TOKEN = "token", "Made or ended an API token"
        CONNECTED = "connected", "Connected an account"
        DISCONNECTED = "disconnected", "Disconnected an account"
        VERSION = "version", "Published a version"
        OFFERED = "offered", "Offered a template flow"
        WITHDREW = "withdrew", "Withdrew a version"
        REVIEWED = "reviewed", "Reviewed a template flow"
        ANSWERED = "answered", "Answered a question"
        ASKED = "asked", "Asked for a publication"
        REMOVED = "removed", "Asked for a removal"
        CANCELLED = "cancelled", "Cancelled a publication"
        RETRIED = "retried", "Asked again"
        DECIDED = "decided", "Said which flow it is"
        APPROVED = "approved", "Approved"
        DISAPPROVED = "disapproved", "Refused to approve"
        RECALLED = "recalled", "Withdrew a request for approval"
        ROLLOUT = "rollout", "Acted on a rollout"
        EXPORTED = "exported", "Exported"
        CLEARED = "cleared", "Old entries were cleared away"

    at = models.DateTimeField(default=now)
    act = models.CharField(max_length=16, choices=Act)
    person = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    workspace = models.ForeignKey(Workspace, models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=40, blank=True)  # of the thing: publication, rollout
    thing_id = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=200, blank=True)  # of the thing, as it was called then
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=["-at", "-id"]),
            models.Index(fields=["workspace", "-at", "-id"]),
            models.Index(fields=["person", "-at", "-id"]),
            models.Index(fields=["act", "-at", "-id"]),
        )

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.name}" if self.name else self.get_act_display()


class AuditDoor(models.Model):
    """While this row is there, in one transaction, entries from before `until` may be cleared away."""

    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"before {self.until}"
