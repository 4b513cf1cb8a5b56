// What every page shares: answers of htmx that went wrong, toasts, menus, dialogs, copying, hot keys, theme.
// Everything is delegated from the document, so parts that htmx swaps in later need no setting up.
// Hooks are data attributes: data-open data-close data-auto data-copy data-hotkey data-filter data-walk data-theme-set data-dismiss.
"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const toElement = (target) => (target instanceof Element ? target : null);

  // --- Toasts -------------------------------------------------------------------------------------------------
  // Said aloud once, politely: what toasts say, and acts that need no toast ("announce": {text}).
  function announce(text) {
    const region = find("#announcer");
    if (!region || !text) return;
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 60); // the same words again are news as well
  }
  document.addEventListener("announce", (event) => announce(event.detail.text));
  // {text, tone, action, url, press, undo}: a sentence and, where there is one, the next press; `undo` is an address to post to.
  function toast({ text, tone = "", action = "", url = "", press = null, undo = "" }) {
    const region = find("#toasts");
    if (!region || !text) return;
    if (undo) {
      action = "Undo";
      press = () => htmx.ajax("POST", undo, { target: "#inspector", swap: "morph:outerHTML", values: { what: "mine" } });
    }
    (find("dialog:modal") || document.body).append(region, find("#announcer") || ""); // what is behind a modal dialog can be neither seen, heard nor pressed
    announce(action ? `${text} ${action}?` : text);
    const item = document.createElement("div");
    item.className = `toast ${/^(good|warn|bad|accent)$/.test(tone) ? tone : ""}`;
    item.append(Object.assign(document.createElement("span"), { className: "dot" }));
    item.append(Object.assign(document.createElement("span"), { className: "grow", textContent: text }));
    if (action && (url || press)) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: action });
      button.addEventListener("click", () => { item.remove(); press ? press() : location.assign(url); });
      item.append(button);
    }
    const close = Object.assign(document.createElement("button"), { type: "button", className: "close", textContent: "✕" });
    close.setAttribute("aria-label", "Dismiss");
    close.addEventListener("click", () => item.remove());
    item.append(close);
    region.querySelectorAll(".toast[data-plain]").forEach((old) => old.remove()); // the newest of those that only tell
    if (!action) item.dataset.plain = "";
    if (undo) item.dataset.undo = "";
    region.append(item);
    while (region.children.length > 3) region.firstElementChild.remove();
    let left;
    const wait = () => { left = setTimeout(() => item.remove(), action ? 12000 : 5000); };
    item.addEventListener("pointerenter", () => clearTimeout(left));
    item.addEventListener("pointerleave", wait);
    item.addEventListener("focusin", () => clearTimeout(left));
    wait();
  }
  // The next act makes an offer to undo the last one wrong.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb === "post" && !isPulse(event)) document.querySelectorAll(".toast[data-undo]").forEach((old) => old.remove());
  });
  // HX-Trigger: {"toast": {"text": "...", "tone": "good"}} or a list of them under "toasts".
  document.addEventListener("toast", (event) => toast(event.detail || {}));
  document.addEventListener("toasts", (event) => [].concat(event.detail.value || event.detail || []).forEach(toast));

  // --- Answers that went wrong --------------------------------------------------------------------------------
  function again({ requestConfig: request }) {
    if (!request) return null;
    return () => {
      if (!request.elt?.isConnected) return location.reload();
      htmx.ajax(request.verb, request.path, { source: request.elt, target: request.target?.isConnected ? request.target : request.elt, values: request.parameters });
    };
  }
  const reload = () => location.reload();
  const isPulse = (event) => event.detail.requestConfig?.path.endsWith("/pulse/"); // asked again by itself: no word about it
  document.addEventListener("htmx:responseError", (event) => {
    if (isPulse(event)) return;
    const { xhr } = event.detail, retry = again(event.detail);
    const wait = parseInt(xhr.getResponseHeader("Retry-After"), 10);
    const told = xhr.getResponseHeader("X-Message"); // a sentence from the server is better than ours
    const say = (text, action, press, tone = "bad") => toast({ text: told || text, tone, action, press });
    if (xhr.status === 401) say("You have been signed out.", "Sign in", reload, "warn");
    else if (xhr.status === 403) say("This page is too old or you may not do that.", "Reload", reload);
    else if (xhr.status === 404) say("That is not there any more.", "Reload", reload, "warn");
    else if (xhr.status === 409) say("Someone else changed this at the same time.", "Reload", reload, "warn");
    else if (xhr.status === 413) say("That is too big to send.", "", null);
    else if (xhr.status === 429) say(wait ? `That was too often. Try again in ${wait} s.` : "That was too often. Wait a moment.", "Try again", retry, "warn");
    else if (xhr.status >= 500) say("Something went wrong on our side. It is written down for us.", "Try again", retry);
    else say("That could not be done.", "Reload", reload);
  });
  document.addEventListener("htmx:sendError", (event) => isPulse(event) || toast({ text: "There is no connection: that was not saved.", tone: "bad", action: "Try again", press: again(event.detail) }));
  document.addEventListener("htmx:timeout", (event) => isPulse(event) || toast({ text: "The answer took too long.", tone: "bad", action: "Try again", press: again(event.detail) }));
  document.addEventListener("htmx:swapError", () => toast({ text: "The page could not be brought up to date.", tone: "bad", action: "Reload", press: reload }));
  // A redirect to the sign-in page is followed unseen: never swap that page into this one.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const login = document.body.dataset.login, { xhr } = event.detail;
    if (!login || !xhr.responseURL) return;
    if (new URL(xhr.responseURL).pathname === login && location.pathname !== login) { event.detail.shouldSwap = false; location.reload(); }
  });

  // --- Menus: one open at a time; Escape and a press elsewhere close -----------------------------------------------
  const closeMenus = (except) => document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(except)) menu.open = false; });
  document.addEventListener("click", (event) => {
    const target = toElement(event.target);
    closeMenus(target);
    const menu = target?.closest(".menu-list :is(a, button)") && !target.closest("[data-stay]") && target.closest("details.menu");
    if (!menu?.open) return;
    menu.open = false;
    // What had the keyboard is out of sight now. Later: its form must still see which button was pressed.
    setTimeout(() => { if (menu.isConnected && (menu.contains(document.activeElement) || document.activeElement === document.body)) find("summary", menu).focus({ preventScroll: true }); });
  });
  document.addEventListener("keydown", (event) => {
    const menu = toElement(event.target)?.closest("details.menu[open]") || find("details.menu[open]");
    if (!menu) return;
    if (event.key === "Escape") { menu.open = false; find("summary", menu).focus(); event.preventDefault(); }
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && menu.contains(event.target) && !event.target.matches("input, select, textarea")) {
      const items = [...menu.querySelectorAll(".menu-list :is(a, button):not([disabled])")];
      const at = items.indexOf(document.activeElement), step = event.key === "ArrowDown" ? 1 : -1;
      items[(at + step + items.length) % items.length]?.focus();
      event.preventDefault();
    }
  });

  // --- Dialogs: data-open="id", data-close, a press on the backdrop; data-auto opens when it arrives ---------------
  function arrive() {
    document.querySelectorAll("dialog[data-auto]:not([open])").forEach((dialog) => dialog.showModal());
  }
  document.addEventListener("close", (event) => {
    const region = find("#toasts");
    if (event.target.contains(region)) document.body.append(region, find("#announcer") || "");
    if (event.target.matches("dialog[data-auto]")) event.target.remove();
  }, true);
  document.addEventListener("click", (event) => {
    const target = toElement(event.target);
    if (!target) return;
    const open = target.closest("[data-open]"), close = target.closest("[data-close]"), copy = target.closest("[data-copy]");
    if (open) { find(`#${CSS.escape(open.dataset.open)}`)?.showModal(); event.preventDefault(); }
    if (close) { close.closest("dialog")?.close(); event.preventDefault(); }
    if (target.matches("dialog[open]") && event.detail) {
      const box = target.getBoundingClientRect();
      if (event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom) target.close();
    }
    if (copy) {
      event.preventDefault(); // a copy button in a <summary> must not fold it
      const text = copy.dataset.copy.startsWith("#") ? find(copy.dataset.copy)?.innerText : copy.dataset.copy;
      navigator.clipboard?.writeText(text || "").then(() => toast({ text: "Copied.", tone: "good" }), () => toast({ text: "This browser did not allow copying.", tone: "warn" }));
    }
    target.closest("[data-dismiss]")?.closest(target.closest("[data-dismiss]").dataset.dismiss)?.remove();
  });
  for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(name, arrive);
  document.addEventListener("closeDialog", () => document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close())); // HX-Trigger: closeDialog

  // --- Hot keys: data-hotkey="/" focuses a field and presses anything else; "mod+z" is Ctrl or Cmd --------------
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    const typing = toElement(event.target)?.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
    const mod = event.ctrlKey || event.metaKey;
    if (typing || find("dialog:modal") && !event.target.closest("dialog")) return;
    const key = (mod ? "mod+" : "") + (event.shiftKey && event.key.length === 1 && /[a-z]/i.test(event.key) ? "shift+" : "") + event.key.toLowerCase();
    const target = find(`[data-hotkey="${CSS.escape(key)}"]`);
    if (!target || target.disabled || target.getAttribute("aria-disabled") === "true") return;
    event.preventDefault();
    target.matches("input, select, textarea") ? (target.focus(), target.select?.()) : target.click();
  });

  // --- data-filter="#palette": hides the [data-word] things inside that do not have what is typed -----------------
  document.addEventListener("input", (event) => {
    const field = toElement(event.target)?.closest("[data-filter]");
    if (!field) return;
    const words = field.value.trim().toLowerCase(), root = find(field.dataset.filter);
    root?.querySelectorAll("[data-word]").forEach((item) => { item.hidden = !item.dataset.word.toLowerCase().includes(words); });
    root?.querySelectorAll("[data-group]").forEach((group) => { group.hidden = !find("[data-word]:not([hidden])", group); });
  });
  document.addEventListener("keydown", (event) => {
    const field = toElement(event.target)?.closest("[data-filter]");
    if (!field) return;
    if (event.key === "Escape") { field.value = ""; field.dispatchEvent(new Event("input", { bubbles: true })); field.blur(); }
    if (event.key === "Enter") { find("[data-word]:not([hidden])", find(field.dataset.filter))?.focus(); event.preventDefault(); }
  });

  // --- data-walk: many points, one stop for the keyboard. The arrows go from one to the next; what it says stands in
  // the figure's .said, for the pointer too ------------------------------------------------------------------------
  const walks = (event) => toElement(event.target)?.closest("[data-walk] > *");
  const told = (point) => { const said = find(".said", point.closest("figure")); if (said) said.textContent = point.getAttribute("aria-label"); };
  document.addEventListener("keydown", (event) => {
    const point = walks(event), step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!point || !step || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = [...point.parentElement.children];
    all[Math.min(Math.max(all.indexOf(point) + step, 0), all.length - 1)].focus();
    event.preventDefault();
  });
  document.addEventListener("focusin", (event) => {
    const point = walks(event);
    if (!point) return;
    for (const one of point.parentElement.children) {
      one.setAttribute("tabindex", one === point ? "0" : "-1");
      one.setAttribute("aria-selected", one === point);
    }
    told(point);
  });
  document.addEventListener("pointerover", (event) => { const point = walks(event); if (point) told(point); });

  // --- data-submit: a plain form that goes as soon as one of its fields changes ------------------------------------
  document.addEventListener("change", (event) => toElement(event.target)?.closest("form[data-submit]")?.requestSubmit());

  // --- data-theme-set="dark" | "light" | "" ------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const button = toElement(event.target)?.closest("[data-theme-set]");
    if (!button) return;
    const theme = button.dataset.themeSet;
    if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
    try { theme ? localStorage.setItem("theme", theme) : localStorage.removeItem("theme"); } catch { /* for this page only, then */ }
  });
})();
