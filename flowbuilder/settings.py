"""One settings file that runs from a clone; everything that differs between machines comes from the environment.

Each variable is described in README.md ("Settings"), and a test holds the two together.
A site is in production when it is served by https (SITE_URL) or says so (PRODUCTION=1): then the development
secrets below are refused.
"""

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent
DEV_SECRET_KEY = "development-only-secret-key-that-production-refuses"
DEV_TOKEN_KEY = "ZGV2ZWxvcG1lbnQtb25seS10b2tlbi1rZXktMzJiISE="

# --- Where the site lives, and whether it is for real ---------------------------------------------------------
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
PRODUCTION = env.bool("PRODUCTION", SITE_URL.startswith("https://"))
DEBUG = env.bool("DEBUG", False)
DEMO = env.bool("DEMO", False)
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))
SECRET_KEY = env.str("SECRET_KEY", DEV_SECRET_KEY)
TOKEN_KEYS = env.list("TOKEN_KEYS", [DEV_TOKEN_KEY])
if PRODUCTION:
    if SECRET_KEY == DEV_SECRET_KEY:
        raise ImproperlyConfigured("Production needs a SECRET_KEY of its own: set it to a long random text.")
    if DEV_TOKEN_KEY in TOKEN_KEYS:
        raise ImproperlyConfigured(
            "Production needs TOKEN_KEYS of its own: one or more Fernet keys, separated by commas, newest first."
        )
    if DEMO or DEBUG:
        raise ImproperlyConfigured("DEMO and DEBUG are for a machine of one's own: production refuses them.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [urlsplit(SITE_URL).hostname or "", "127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# --- Klaviyo -----------------------------------------------------------------------------------------------------
KLAVIYO_CLIENT_ID = env.str("KLAVIYO_CLIENT_ID", "")
KLAVIYO_CLIENT_SECRET = env.str("KLAVIYO_CLIENT_SECRET", "")
KLAVIYO_BASE_URL = env.str("KLAVIYO_BASE_URL", "https://a.klaviyo.com").rstrip("/")
KLAVIYO_AUTHORIZE_URL = env.str("KLAVIYO_AUTHORIZE_URL", "https://www.klaviyo.com/oauth/authorize")
KLAVIYO_SITE_URL = env.str("KLAVIYO_SITE_URL", "https://www.klaviyo.com").rstrip("/")
KLAVIYO_REVISION = env.str("KLAVIYO_REVISION", "2026-10-15")
# What this app is called as a source of metrics there, and their category; both are case-sensitive. Empty: it has none.
KLAVIYO_INTEGRATION = env.str("KLAVIYO_INTEGRATION", "")
KLAVIYO_INTEGRATION_CATEGORY = env.str("KLAVIYO_INTEGRATION_CATEGORY", "")
KLAVIYO_TIMEOUT = env.float("KLAVIYO_TIMEOUT", 30.0)  # seconds for one whole exchange
# How many of its seconds pass at Klaviyo in one of ours: a pretend one can be made to hurry, or to take its time.
KLAVIYO_SPEED = env.float("KLAVIYO_SPEED", 1.0)
if not KLAVIYO_SPEED > 0:
    raise ImproperlyConfigured("KLAVIYO_SPEED is a number above 0; 1 is Klaviyo's own pace.")
# How long an answer that was lost may still take effect at Klaviyo, before we look whether the flow is there.
PUBLISH_QUIET_PERIOD = env.float("PUBLISH_QUIET_PERIOD", 120.0)
# The tag on every flow we make in an account, so that its owner sees where it came from; empty: none.
PUBLISH_TAG = env.str("PUBLISH_TAG", "Flowbuilder")
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", 2_000_000)

# --- Django ------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "accounts",
    "flowbuilder",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.audit.Audit",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "flowbuilder.urls"
WSGI_APPLICATION = "flowbuilder.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.shell",
                "flowbuilder.approvals.context.to_approve",
            ],
        },
    }
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # Web, worker and sweeper share one file: readers never block, writers queue for seconds instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
# A thread keeps its connection: to open one costs milliseconds, and to close SQLite's last one writes its whole log.
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

with suppress(OSError):  # where it may not write, whatever needs the folder says so
    (VAR_DIR / "broker" / "messages").mkdir(parents=True, exist_ok=True)
    (VAR_DIR / "broker" / "control").mkdir(exist_ok=True)

REDIS_URL = env.str("REDIS_URL", "")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# Entries of the audit log are kept so long, then cleared away once a day.
AUDIT_KEPT_DAYS = env.int("AUDIT_KEPT_DAYS", 730)
if AUDIT_KEPT_DAYS < 1:
    raise ImproperlyConfigured("AUDIT_KEPT_DAYS is a number of days, 1 or more.")

# --- Files -------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Hashed and pre-compressed where `collectstatic` has run (production); plain files from a clone.
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = not PRODUCTION

# --- Who may come in ---------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "login": "60/m/ip"}
ACCOUNT_SESSION_REMEMBER = True
EMAIL_CONFIG = env.dj_email_url("EMAIL_URL", "console://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Flowbuilder <no-reply@localhost>")

# --- Safety ------------------------------------------------------------------------------------------------------
_klaviyo_consent = "{0.scheme}://{0.netloc}".format(urlsplit(KLAVIYO_AUTHORIZE_URL))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        # "Connect Klaviyo" is a form whose answer redirects to the consent page: browsers check both ends.
        "form-action": [SELF, _klaviyo_consent],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # Lax, not Strict: the answer of the OAuth consent page is a cross-site GET
CSRF_COOKIE_HTTPONLY = True
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # whoever asks there follows nobody elsewhere
    if env.bool("BEHIND_PROXY", False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- API ---------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.str("API_RATE", "600/min")},
    "EXCEPTION_HANDLER": "flowbuilder.api.errors.answer",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Flowbuilder API",
    "DESCRIPTION": "Flows, versions, template flows, accounts and publications of your workspaces.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

# --- Celery: the doorbell ----------------------------------------------------------------------------------------
# Far above a lane's turn, a publication's lease (six calls' time) and its calls: only what hangs meets them. The
# second is for what cannot be raised in; it is as if the worker had been killed.
CELERY_TASK_SOFT_TIME_LIMIT = max(540.0, 18 * KLAVIYO_TIMEOUT)
CELERY_TASK_TIME_LIMIT = CELERY_TASK_SOFT_TIME_LIMIT + 60
BROKER_DIR = VAR_DIR / "broker"
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", REDIS_URL or "filesystem://")
if CELERY_BROKER_URL.startswith("filesystem"):
    CELERY_BROKER_TRANSPORT = "flowbuilder.broker:FileTransport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.1,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT = "flowbuilder.broker:RedisTransport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        # Longer than the longest countdown and time limit together, or a task that runs is given to a second worker.
        "visibility_timeout": int(CELERY_TASK_TIME_LIMIT) + 600,
        # A Redis that is gone without a word: whoever rings gives up, and a worker connects anew within half a minute.
        "socket_connect_timeout": 3,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
# Who presses a button does not wait for a broker that is away: the sweeper finds the row.
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0.1,
    "interval_step": 0,
    "interval_max": 0.1,
}
# Of RabbitMQ's queues the classic ones: a bell needs no replicas, and a countdown no exchanges of its own.
CELERY_TASK_DEFAULT_QUEUE_TYPE = "classic"
CELERY_TASK_IGNORE_RESULT = True  # what came of it is in our rows
CELERY_TASK_ACKS_LATE = True  # a killed worker's message comes again; running it twice is harmless by design
CELERY_TASK_REJECT_ON_WORKER_LOST = True  # the same when one process of its pool is killed
# When the broker is lost, what runs goes on: to cancel it would lose the answer of a call that is on its way.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a slow account must not hold tasks that another worker could take
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000  # whatever a library leaks is given back
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000  # KB; the same, sooner: a process needs about 110,000
# Told to stop at once, a worker still lets the call come back that is on its way.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = KLAVIYO_TIMEOUT + 5
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_SYNC_EVERY = 1  # a beat that is killed forgets nothing; and the file's age says whether it beats
SWEEP_EVERY = env.float("SWEEP_EVERY", 15.0)
COLLECT_EVERY = env.float("COLLECT_EVERY", 60.0)
ALERT_EVERY = 4 * SWEEP_EVERY
# Rung with the id of an account that a person has just connected, or connected again. By name: accounts knows of no
# flows, and what waits there for its connection is theirs.
AFTER_CONNECTING = ("accounts.tasks.read_account", "flowbuilder.tasks.go_on_in")
CELERY_BEAT_SCHEDULE = {
    "keep-connections": {"task": "accounts.tasks.keep_connections", "schedule": 86_400.0},
    "forget-old-entries": {
        "task": "accounts.tasks.forget_old_entries",
        "schedule": crontab(hour="4", minute="10"),
    },
    "advance-rollouts": {
        "task": "flowbuilder.tasks.advance_rollouts",
        "schedule": SWEEP_EVERY,
        "options": {"expires": SWEEP_EVERY},
    },
    # What the attempts cannot know, since Klaviyo is changed by others too: flows that nobody here knows, installs
    # whose flow is gone. At night, when nobody needs the accounts' limits; a person sees it in the morning.
    "compare-accounts": {
        "task": "flowbuilder.tasks.compare_accounts",
        "schedule": crontab(hour="3", minute="20"),
    },
    # Numbers come once a day for each account; this only looks whose turn it is, and goes on with what was parked.
    "collect-numbers": {
        "task": "flowbuilder.tasks.collect_numbers",
        "schedule": COLLECT_EVERY,
        "options": {"expires": COLLECT_EVERY},
    },
    "forget-numbers": {
        "task": "flowbuilder.tasks.forget_numbers",
        "schedule": crontab(hour="4", minute="40"),
    },
    "go-on-with-dry-runs": {
        "task": "flowbuilder.tasks.go_on_with_dry_runs",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "look-for-alerts": {
        "task": "flowbuilder.tasks.look_for_alerts",
        "schedule": ALERT_EVERY,
        "options": {"expires": ALERT_EVERY},
    },
    "send-letters": {
        "task": "flowbuilder.tasks.send_letters",
        "schedule": ALERT_EVERY,
        "options": {"expires": ALERT_EVERY},
    },
    "read-flows": {"task": "flowbuilder.tasks.read_flows", "schedule": 60.0, "options": {"expires": 60.0}},
    "sweep-publications": {
        "task": "flowbuilder.tasks.sweep_publications",
        "schedule": SWEEP_EVERY,
        # Without workers, rounds do not pile up: the next one is as good.
        "options": {"expires": SWEEP_EVERY},
    },
}

# --- Logs: ids, never tokens -------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "WARNING")},
}
