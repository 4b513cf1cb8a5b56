"""OAuth: the consent page, the token endpoint, revoking, and who a request to the API comes from.

Used by the server. Follows RFC 6749 and 7636 in the dialect of "Set up OAuth" at developers.klaviyo.com.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import urlencode, urlsplit

from werkzeug import Request, Response

from . import limits, pages
from .errors import unauthenticated
from .options import Options
from .scopes import SCOPES
from .store import Store

CODE_SECONDS = 300
IDLE_SECONDS = 90 * 86_400
REFRESHES = ((10, 60),)
VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


# -- the consent page


class Refused(Exception):
    """The request cannot be answered with a redirect: a page of ours says why."""


class Denied(Exception):
    """An error that the app learns through a redirect."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


def may_redirect(options: Options, uri: str) -> bool:
    if uri in options.redirect_uris:
        return True
    parts = urlsplit(uri)
    return options.any_loopback_redirect and parts.scheme == "http" and parts.hostname in LOOPBACK


def asked_scopes(args: Any, options: Options) -> list[str]:
    """Check an authorization request; returns its scopes in the order asked."""
    if not compare_digest(args.get("client_id", ""), options.client_id):
        raise Refused("This app is not known here: the client_id is wrong.")
    if not may_redirect(options, args.get("redirect_uri", "")):
        raise Refused("The redirect_uri is not one of those that the app has registered.")
    if args.get("response_type") != "code":
        raise Denied("unsupported_response_type", "response_type must be 'code'.")
    if not args.get("state"):
        raise Denied("invalid_request", "state is required.")
    if args.get("code_challenge_method") != "S256":
        raise Denied("invalid_request", "code_challenge_method must be 'S256'.")
    if not CHALLENGE.fullmatch(args.get("code_challenge", "")):
        raise Denied("invalid_request", "code_challenge must be a base64url SHA-256 digest without padding.")
    scopes = list(dict.fromkeys(args.get("scope", "").split()))
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise Denied("invalid_scope", f"Unknown scopes: {' '.join(unknown)}.")
    if "accounts:read" not in scopes:
        raise Denied("invalid_scope", "The scope accounts:read is required.")
    return scopes


def authorize(store: Store, options: Options, request: Request) -> Response:
    args = request.args
    try:
        scopes = asked_scopes(args, options)
    except Refused as problem:
        return page(pages.refused(str(problem)), 400)
    except Denied as problem:
        return back(args, error=problem.error, error_description=problem.description)
    accounts = store.rows("select id, attributes from account order by seq")
    if request.method == "GET":
        shown = [(row["id"], json.loads(row["attributes"])) for row in accounts]
        action = f"/oauth/authorize?{request.query_string.decode()}"
        return page(pages.consent(options.app_name, shown, scopes, action))
    if request.form.get("decision") == "deny":
        return back(args, error="access_denied", error_description="The resource owner denied the request.")
    account = request.form.get("account", "")
    if request.form.get("decision") != "allow" or account not in {row["id"] for row in accounts}:
        return page(pages.refused("Choose an account and answer with Allow or Deny."), 400)
    code = secrets.token_urlsafe(32)
    with store.transaction():
        store.run(
            "insert into code values (?, ?, ?, ?, ?, ?, ?)",
            *(digest(code), options.client_id, args["redirect_uri"], args["code_challenge"], account),
            *(" ".join(scopes), store.now() + CODE_SECONDS * store.speed),
        )
    return back(args, code=code)


def page(html: str, status: int = 200) -> Response:
    return Response(html, status, mimetype="text/html", headers=pages.HEADERS)


def back(args: Any, **values: str) -> Response:
    """A redirect to the app with its own state."""
    if args.get("state"):
        values["state"] = args["state"]
    uri = args["redirect_uri"]
    joint = "&" if "?" in uri else "?"
    return Response(
        status=302, headers={"Location": f"{uri}{joint}{urlencode(values)}", "Cache-Control": "no-store"}
    )


# -- the token endpoint


class TokenError(Exception):
    def __init__(
        self, error: str, description: str, status: int = 400, retry_after: int | None = None
    ) -> None:
        super().__init__(description)
        self.document = {"error": error, "error_description": description}
        self.status = status
        self.retry_after = retry_after


def answer(document: Any, status: int = 200, retry_after: int | None = None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="klaviyo sandbox"'
    return Response(json.dumps(document), status, mimetype="application/json", headers=headers)


def token(store: Store, options: Options, request: Request) -> Response:
    try:
        return answer(exchange(store, options, request))
    except TokenError as problem:
        return answer(problem.document, problem.status, problem.retry_after)


def check_client(options: Options, request: Request) -> None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        id, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (BadBase64, UnicodeDecodeError):
        id, secret = "", ""
    right = compare_digest(id.encode(), options.client_id.encode())
    right &= compare_digest(secret.encode(), options.client_secret.encode())
    if scheme.lower() != "basic" or not right:
        raise TokenError("invalid_client", "The client id or secret is wrong.", 401)


def exchange(store: Store, options: Options, request: Request) -> dict[str, Any]:
    check_client(options, request)
    if request.mimetype != "application/x-www-form-urlencoded":
        raise TokenError("invalid_grant_type", "The request must be form encoded.")
    grant = request.form.get("grant_type")
    if grant == "authorization_code":
        return exchange_code(store, options, request.form)
    if grant == "refresh_token":
        return refresh(store, options, request.form)
    raise TokenError("invalid_grant_type", "grant_type must be 'authorization_code' or 'refresh_token'.")


def exchange_code(store: Store, options: Options, form: Any) -> dict[str, Any]:
    verifier = form.get("code_verifier", "")
    if not VERIFIER.fullmatch(verifier):
        raise TokenError("invalid_request", "Invalid code_verifier")
    with store.transaction():
        row = store.row("select * from code where hash = ?", digest(form.get("code", "")))
        store.run("delete from code where hash = ?", digest(form.get("code", "")))  # one try, right or wrong
    if row is None or row["client"] != options.client_id:
        raise TokenError("invalid_grant", "The code is unknown or was used already.")
    if row["expires"] < store.now():
        raise TokenError("invalid_grant", "The code has expired.")
    if form.get("redirect_uri") != row["redirect_uri"]:
        raise TokenError("invalid_grant", "The redirect_uri is not the one of the authorization request.")
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if not compare_digest(challenge, row["challenge"]):
        raise TokenError("invalid_grant", "Code challenge failed.")
    refresh_token = secrets.token_urlsafe(48)
    with store.transaction():
        made = store.run(
            "insert into installation (refresh_hash, client, account, scopes, used) values (?, ?, ?, ?, ?)",
            *(digest(refresh_token), row["client"], row["account"], row["scopes"], store.now()),
        )
        return issued(store, options, made.lastrowid, refresh_token, row["scopes"])


def refresh(store: Store, options: Options, form: Any) -> dict[str, Any]:
    given = form.get("refresh_token", "")
    with store.transaction():
        row = store.row("select * from installation where refresh_hash = ? and not revoked", digest(given))
        if (
            row is None
            or row["client"] != options.client_id
            or store.now() - row["used"] > IDLE_SECONDS * store.speed
        ):
            raise TokenError("invalid_grant", "The refresh token is invalid, expired or revoked.")
        if options.limits:
            try:
                limits.take(store, f"refresh {row['client']} {row['account']}", REFRESHES)
            except limits.Spent as spent:
                text = f"Request was throttled. Expected available in {spent.seconds} seconds."
                raise TokenError("too_many_requests", text, 429, spent.seconds) from None
        store.run("update installation set used = ? where id = ?", store.now(), row["id"])
        # Observed: the refresh token stays the same, and older access tokens live out their time.
        return issued(store, options, row["id"], given, row["scopes"])


def issued(
    store: Store, options: Options, installation: int | None, refresh_token: str, scopes: str
) -> dict[str, Any]:
    access = secrets.token_urlsafe(48)
    expires = store.now() + options.token_seconds * store.speed  # a token lives by the clock of its owner
    store.run("insert into access values (?, ?, ?)", digest(access), installation, expires)
    return {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": options.token_seconds,
        "refresh_token": refresh_token,
        "scope": scopes,
    }


def revoke(store: Store, options: Options, request: Request) -> Response:
    """Uninstalls the app in the token's account: every token of the app there dies. An unknown token is fine."""
    try:
        check_client(options, request)
        if request.mimetype != "application/x-www-form-urlencoded" or not request.form.get("token"):
            raise TokenError("invalid_request", "A form with 'token' is required.")
    except TokenError as problem:
        return answer(problem.document, problem.status)
    hashed = digest(request.form["token"])
    with store.transaction():
        row = store.row("select client, account from installation where refresh_hash = ?", hashed)
        row = row or store.row(
            "select i.client, i.account from access a join installation i on i.id = a.installation where a.hash = ?",
            hashed,
        )
        if row and row["client"] == options.client_id:
            uninstall(store, row["client"], row["account"])
    return answer({})


def uninstall(store: Store, client: str, account: str) -> None:
    store.run("update installation set revoked = 1 where client = ? and account = ?", client, account)


# -- who calls the API


@dataclass(frozen=True)
class Caller:
    account: str
    app: str  # limits are counted per app and account
    scopes: frozenset[str]


def caller(store: Store, authorization: str) -> Caller:
    scheme, _, secret = authorization.partition(" ")
    secret = secret.strip()
    if scheme.lower() == "klaviyo-api-key":
        row = store.row("select id from account where api_key = ?", secret)
        if row:
            return Caller(row["id"], "private-keys", frozenset(SCOPES))
    elif scheme.lower() == "bearer":
        row = store.row(
            "select i.client, i.account, i.scopes from access a join installation i on i.id = a.installation"
            " where a.hash = ? and a.expires > ? and not i.revoked",
            *(digest(secret), store.now()),
        )
        if row:
            return Caller(row["account"], row["client"], frozenset(row["scopes"].split()))
    raise unauthenticated()
