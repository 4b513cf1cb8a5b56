"""The sandbox's few HTML pages, for people: consent, refusal, overview, one flow.

Used by oauth and the control path. No script; every value is escaped.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from .scopes import SCOPES

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
STYLE = """
:root{color-scheme:light dark;--ink:#1b2330;--soft:#5b6576;--line:#d5dae2;--card:#fff;--back:#f2f4f7;
  --go:#0b6b4f;--note:#7a4b00;--wash:#fff4dc}
@media (prefers-color-scheme:dark){:root{--ink:#e7ebf2;--soft:#a3adbd;--line:#3a4353;--card:#1d2430;
  --back:#12161d;--go:#39b98f;--note:#ffd48a;--wash:#33290f}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
.banner{background:var(--wash);color:var(--note);padding:.6rem 1rem;text-align:center;font-size:.9rem;
  font-weight:600}
main{max-width:46rem;margin:2rem auto;padding:0 1rem}
main.narrow{max-width:32rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.25rem 1.5rem;
  margin-bottom:1rem}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.05rem;margin:0 0 .5rem}
p{margin:.4rem 0}
.soft{color:var(--soft);font-size:.9rem}
ul{padding-left:1.2rem;margin:.4rem 0}
fieldset{border:0;padding:0;margin:0 0 1.2rem}
legend{font-weight:600;padding:0;margin-bottom:.4rem}
label.choice{display:flex;gap:.75rem;align-items:center;border:1px solid var(--line);border-radius:8px;
  padding:.6rem .8rem;margin-bottom:.5rem;cursor:pointer}
label.choice:has(:checked){border-color:var(--go);box-shadow:0 0 0 1px var(--go)}
.buttons{display:flex;gap:.75rem;justify-content:flex-end}
button{font:inherit;font-weight:600;border-radius:8px;padding:.55rem 1.3rem;border:1px solid var(--line);
  background:transparent;color:var(--ink);cursor:pointer;min-height:44px}
button.go{background:var(--go);border-color:var(--go);color:var(--card)}
button:focus-visible,a:focus-visible,input:focus-visible{outline:3px solid var(--go);outline-offset:2px}
a{color:var(--go)}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.35rem .6rem .35rem 0;border-top:1px solid var(--line);vertical-align:top}
th{font-size:.85rem;color:var(--soft);border-top:0}
code,pre{font:.85rem/1.45 ui-monospace,monospace}
pre{overflow:auto;margin:0}
.tag{border:1px solid var(--line);border-radius:99px;padding:0 .5rem;font-size:.8rem}
"""
BANNER = "Klaviyo sandbox - a pretend Klaviyo, no real account is touched"


def shell(title: str, body: str, *, narrow: bool = False) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)} - Klaviyo sandbox</title>"
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f'<header class="banner">{BANNER}</header><main{" class=narrow" if narrow else ""}>{body}</main></body></html>'
    )


def consent(app: str, accounts: list[tuple[str, dict[str, Any]]], scopes: list[str], action: str) -> str:
    choices = "".join(
        f'<label class="choice"><input type="radio" name="account" value="{escape(id)}"{" checked" if i == 0 else ""}>'
        f"<span>{escape(about['contact_information']['organization_name'])}"
        f'<br><span class="soft">{escape(id)} &middot; {escape(about["timezone"])} &middot; '
        f"{escape(about['preferred_currency'])}{' &middot; test account' if about['test_account'] else ''}"
        "</span></span></label>"
        for i, (id, about) in enumerate(accounts)
    )
    asks = "".join(f"<li>{escape(SCOPES[scope])}</li>" for scope in scopes)
    return shell(
        f"Allow {app}?",
        f'<form class="card" method="post" action="{escape(action)}"><h1>{escape(app)} asks for access</h1>'
        f"<fieldset><legend>Connect this account</legend>{choices}</fieldset>"
        f"<h2>{escape(app)} will be able to</h2><ul>{asks}</ul>"
        '<p class="soft">You can end this at any time by disconnecting the app.</p><div class="buttons">'
        '<button name="decision" value="deny">Deny</button>'
        '<button class="go" name="decision" value="allow">Allow</button></div></form>',
        narrow=True,
    )


def refused(reason: str) -> str:
    return shell(
        "Cannot continue",
        f'<div class="card"><h1>This request cannot go on</h1><p>{escape(reason)}</p>'
        '<p class="soft">Nothing was connected. Go back to the app and start again.</p></div>',
        narrow=True,
    )


def overview(accounts: list[dict[str, Any]]) -> str:
    """`accounts`: id, name, about, key, flows [{id, name, status, trigger, actions, created}]."""
    cards = "".join(account_card(account) for account in accounts)
    return shell("Demo accounts", f"<h1>Demo accounts</h1>{cards}")


def account_card(account: dict[str, Any]) -> str:
    rows = "".join(
        f'<tr><td><a href="/flow/{escape(flow["id"])}/edit">{escape(flow["name"])}</a></td>'
        f'<td><span class="tag">{escape(flow["status"])}</span></td><td>{escape(flow["trigger"])}</td>'
        f"<td>{flow['actions']}</td><td>{escape(flow['created'][:16].replace('T', ' '))}</td></tr>"
        for flow in account["flows"]
    )
    head = "<tr><th>Flow</th><th>Status</th><th>Trigger</th><th>Actions</th><th>Created</th></tr>"
    table = f"<table>{head}{rows}</table>" if rows else '<p class="soft">No flows yet.</p>'
    return (
        f'<section class="card"><h2>{escape(account["name"])}</h2><p class="soft">{escape(account["id"])} &middot; '
        f"{escape(account['about'])} &middot; key <code>{escape(account['key'])}</code></p>{table}</section>"
    )


def flow(account: str, name: str, id: str, status: str, definition: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(action['id'])}</code></td><td>{escape(action['type'])}</td>"
        f"<td>{escape(summary(action))}</td></tr>"
        for action in definition["actions"]
    )
    text = escape(json.dumps(definition, indent=2, ensure_ascii=False))
    return shell(
        name,
        f'<p><a href="/">All demo accounts</a></p><h1>{escape(name)}</h1><div class="card"><p class="soft">'
        f'{escape(account)} &middot; {escape(id)} &middot; <span class="tag">{escape(status)}</span></p>'
        f"<table><tr><th>Action</th><th>Type</th><th>Content</th></tr>{rows}</table></div>"
        f'<details class="card" open><summary>Definition as JSON</summary><pre>{text}</pre></details>',
    )


def summary(action: dict[str, Any]) -> str:
    """What an action holds, in a few words."""
    data = action.get("data") or {}
    message = data.get("message") or {}
    if message:
        return str(
            message.get("subject_line")
            or message.get("body")
            or message.get("url")
            or message.get("name")
            or ""
        )
    if action["type"] == "time-delay":
        return f"{data['value']} {data['unit']}"
    return str(data.get("name") or "")
