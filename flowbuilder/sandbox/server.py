"""The sandbox as a WSGI application, and how to serve it.

`serve(options)` blocks and returns an exit code; `start(options)` gives a running Server to tests.
A request passes: fault, token, revision, route, scopes, rate limit, body, parameters, handler.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from threading import Event
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from . import control, faults, limits, oauth, revisions, seed
from .call import Call, Reply
from .errors import ApiError, Problem, bad_parameter
from .faults import Fault
from .options import Options
from .routes import LETTERS, ROUTES, Route
from .store import Store

JSON_API = "application/vnd.api+json"
BODY_TYPES = (JSON_API, "application/json")
MOST_BYTES = 5 * 1024 * 1024
PROXY_PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"


class HungUp(ConnectionAbortedError):
    """Ends a request without an answer; werkzeug treats it as a dropped connection."""


class Sandbox:
    """The WSGI application."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.store = Store(options.data, options.clock, options.speed)
        self.stopping = Event()
        seed.fill(self.store)

    def close(self) -> None:
        self.stopping.set()
        self.store.close()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        path = request.path.rstrip("/")
        if path.startswith("/_sandbox"):
            return control.handle(self.store, self.options, request)(environ, start_response)
        if path == "" or path.startswith("/flow/"):
            return self.page(path)(environ, start_response)
        notes: dict[str, Any] = {"account": self.account_of(request), "status": None, "fault": None}
        try:
            response = self.with_faults(request, path, notes)
            notes["status"] = response.status_code
        finally:
            self.log(request, path, notes)
        return response(environ, start_response)

    def page(self, path: str) -> Response:
        parts = path.split("/")
        if path == "":
            return control.overview(self.store)
        return control.flow_page(self.store, parts[2])

    def account_of(self, request: Request) -> str | None:
        try:
            return oauth.caller(self.store, request.headers.get("Authorization", "")).account
        except ApiError:
            return None

    def log(self, request: Request, path: str, notes: dict[str, Any]) -> None:
        """A line without secrets: OAuth queries are left out, and so are all headers and bodies."""
        if self.stopping.is_set():
            return
        query = "" if path.startswith("/oauth") else request.query_string.decode(errors="replace")
        self.store.run(
            "insert into request (at, method, path, query, status, account, fault) values (?, ?, ?, ?, ?, ?, ?)",
            *(
                self.store.stamp(),
                request.method,
                path,
                query,
                notes["status"],
                notes["account"],
                notes["fault"],
            ),
        )
        if not self.options.quiet:
            status = notes["status"] or "no answer"
            fault = f" [{notes['fault']}]" if notes["fault"] else ""
            say(f"{request.method} {path} {status}{fault}")

    # -- faults

    def with_faults(self, request: Request, path: str, notes: dict[str, Any]) -> Response:
        fault = self.fault_for(request, path, notes)
        if fault is None:
            return self.respond(request, path)
        notes["fault"] = fault.kind
        if fault.kind in faults.BEFORE:
            return self.fail(request, fault, fault.kind)
        if fault.kind == "late":
            request.get_data()  # read it now: the client may be gone when it counts
            if self.stopping.wait(fault.delay):
                raise HungUp
        response = self.respond(request, path)
        if fault.kind.startswith("after_"):
            return self.fail(request, fault, fault.kind.removeprefix("after_"))
        return self.spoil(response, fault)

    def fault_for(self, request: Request, path: str, notes: dict[str, Any]) -> Fault | None:
        """One that was asked for; tests/faults puts a draw in its place."""
        return faults.take(self.store, request.method, path, notes["account"])

    def fail(self, request: Request, fault: Fault, how: str) -> Response:
        if how == "reset":
            request.get_data()  # who still sends meets the reset there, and then reads an orderly end
            # Linger 0: closing sends RST in place of FIN (see Server.shutdown_request).
            request.environ["werkzeug.socket"].setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            raise HungUp
        if how == "timeout":
            self.stopping.wait(fault.delay)
            raise HungUp
        headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        if how == "html":
            text = fault.body or PROXY_PAGE.format(f"{fault.status} Bad Gateway")
            return Response(text, fault.status, mimetype="text/html", headers=headers)
        code = {401: "authentication_failed", 403: "permission_denied", 429: "throttled"}.get(
            fault.status, "error"
        )
        problem = Problem("A fault was asked for.", code=code, status=fault.status)
        text = fault.body if fault.body is not None else json.dumps(ApiError(problem).document())
        return Response(text, fault.status, mimetype=JSON_API, headers=headers)

    def spoil(self, response: Response, fault: Fault) -> Response:
        data = response.get_data()
        if fault.kind in ("truncate", "drip") and not data:
            raise HungUp  # an answer without a body has nothing but its end to lose
        if fault.kind == "slow":
            self.stopping.wait(fault.delay)
        elif fault.kind == "bad_json":
            response.status_code = 200 if response.status_code == 204 else response.status_code
            response.set_data(data[:-1] + b",]")
        elif fault.kind == "no_id":
            document = json.loads(data or b"{}")
            if isinstance(document.get("data"), dict):
                document["data"].pop("id", None)
            if data:
                response.set_data(json.dumps(document))
        elif fault.kind in ("drip", "truncate"):
            length = str(len(data))
            response.response = self.drip(data, fault.delay) if fault.kind == "drip" else cut(data)
            response.headers["Content-Length"] = length
        return response

    def drip(self, data: bytes, delay: float) -> Iterator[bytes]:
        for i in range(len(data)):
            yield data[i : i + 1]
            if self.stopping.wait(delay):
                raise HungUp

    # -- the pretend service

    def respond(self, request: Request, path: str) -> Response:
        if path == "/oauth/authorize" and request.method in ("GET", "POST"):
            return oauth.authorize(self.store, self.options, request)
        if path == "/oauth/token" and request.method == "POST":
            return oauth.token(self.store, self.options, request)
        if path == "/oauth/revoke" and request.method == "POST":
            return oauth.revoke(self.store, self.options, request)
        headers: dict[str, str] = {}
        try:
            reply = self.api(request, path, headers)
        except ApiError as problem:
            if problem.status == 429:
                headers = {name: value for name, value in headers.items() if name == "revision"}
            reply = Reply(problem.status, problem.document(), problem.headers)
        text = "" if reply.document is None else json.dumps(reply.document, ensure_ascii=False)
        return Response(text, reply.status, mimetype=JSON_API, headers={**headers, **reply.headers})

    def api(self, request: Request, path: str, headers: dict[str, str]) -> Reply:
        if not path.startswith("/api/"):
            raise ApiError(Problem("There is nothing here.", code="not_found", status=404))
        if self.options.latency and self.stopping.wait(self.options.latency / self.options.speed):
            raise HungUp
        caller = oauth.caller(self.store, request.headers.get("Authorization", ""))
        opted_out = request.headers.get("X-Klaviyo-Revision-Fall-Forward-Opt-Out") == "1"
        headers["revision"] = revisions.choose(request.headers.get("revision"), opted_out)
        route, values = find(request.method, path, headers["revision"])
        missing = sorted(set(route.scopes) - caller.scopes)
        if missing:
            detail = f"You do not have permission to perform this action. Missing required scopes: {', '.join(missing)}"
            raise ApiError(
                Problem(detail, code="permission_denied", status=403, meta={"missing_scopes": missing})
            )
        if self.options.limits:
            bucket, windows = f"{caller.app} {caller.account} {route.name}", route.limits
            if route.counted and "profile_count" in request.query_string.decode(errors="replace"):
                bucket, windows = f"{bucket} profile_count", route.counted
            try:
                remaining, reset = limits.take(self.store, bucket, windows)
            except limits.Spent as spent:
                raise limits.throttled(spent.seconds) from None
            headers |= limits.headers(windows, remaining, reset)
        body = read_body(request)
        query = read_query(request, route)
        for name, value in values.items():
            if not LETTERS.fullmatch(value):
                raise bad_parameter(name, f"'{value}' is not a valid id.")
        base = request.host_url.rstrip("/")
        with self.store.transaction():
            call = Call(
                self.store, self.options, caller.account, caller.app, request.method, path, base, query, body
            )
            return route.handler(call, **values)


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def find(method: str, path: str, revision: str) -> tuple[Route, dict[str, str]]:
    """The route and the ids in the path. What a revision does not have yet is not there, or not allowed."""
    allowed = []
    for route in ROUTES:
        values = route.match(path)
        if values is None or route.since > revision.removesuffix(".pre"):
            continue
        if route.method == method:
            return route, values
        allowed.append(route.method)
    if allowed:
        detail = f"Method '{method}' not allowed."
        problem = Problem(detail, code="method_not_allowed", status=405)
        raise ApiError(problem, headers={"Allow": ", ".join(sorted(allowed))})
    raise ApiError(Problem("The requested endpoint does not exist.", code="not_found", status=404))


def read_body(request: Request) -> Any:
    """The JSON of a write, or None. Size, type and syntax are checked in this order."""
    if (request.content_length or 0) > MOST_BYTES:
        detail = "The payload may not exceed 5 MB."
        raise ApiError(Problem(detail, code="payload_too_large", status=413))
    if request.method not in ("POST", "PATCH", "DELETE"):
        return None
    data = request.get_data()
    if not data and request.method == "DELETE":
        return None
    if request.mimetype not in BODY_TYPES:
        detail = f"Unsupported media type '{request.mimetype}' in request. Use {JSON_API}."
        raise ApiError(Problem(detail, code="unsupported_media_type", status=415))
    try:
        document = json.loads(data, parse_constant=not_json)
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no text
        return document
    except ValueError:
        raise ApiError(Problem("The body is not valid JSON.", "/")) from None


def not_json(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def read_query(request: Request, route: Route) -> dict[str, str]:
    problems = [
        Problem(f"'{name}' is not a valid query parameter for this endpoint.", parameter=name)
        for name in request.args
        if name not in route.params
    ]
    if problems:
        raise ApiError(*problems)
    return {name: request.args[name] for name in request.args}


def cut(data: bytes) -> Iterator[bytes]:
    """Half an answer, then silence, although the whole length was announced."""
    yield data[: len(data) // 2]
    raise HungUp


# -- serving


class Handler(WSGIRequestHandler):
    """Quiet: the application prints its own line, without query strings that may hold a code."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        self.close_connection = True  # or it would wait for the next request on a connection we gave up

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Server(ThreadedWSGIServer):
    daemon_threads = True

    def shutdown_request(self, request: Any) -> None:
        try:
            lingers = struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (
                1,
                0,
            )
        except OSError:
            lingers = False
        if lingers:
            self.close_request(request)
        else:
            super().shutdown_request(request)


def start(options: Options) -> tuple[Server, Sandbox]:
    """Bind the port and open the data; the caller runs `serve_forever`. OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in options.host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.host, options.port))
        listener.listen(128)
        sandbox = Sandbox(options)
        server = Server(options.host, options.port, sandbox, Handler, fd=listener.fileno())
    finally:
        listener.close()  # the server holds a duplicate of it
    return server, sandbox


def serve(options: Options) -> int:
    """Run until interrupted. Returns the exit code of the process."""
    try:
        server, sandbox = start(options)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        say(f"The sandbox cannot listen on {options.host}:{options.port}: {reason}.")
        return 1
    say(f"Klaviyo sandbox on http://{options.host}:{server.port}/ (state in {options.data})")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        sandbox.close()
    return 0
