// The editor's forms save themselves, and answers arrive while one is typing: what was typed since wins.
// What the bar knows (the revision, whether all is saved) is kept true here.
"use strict";
(() => {
  const SETTINGS = "#settings-form";
  const find = (selector) => document.querySelector(selector);
  let clock = 0, answering = Infinity;
  const touched = new WeakMap(); // a field -> when it was last changed by hand
  const touch = (event) => {
    const it = event.target;
    if (!it.form?.matches?.(SETTINGS)) return;
    clock++;
    for (const one of it.type === "radio" ? it.form.elements : [it]) if (one.name === it.name) touched.set(one, clock); // choosing one lets go of the others
  };
  document.addEventListener("input", touch, true);
  document.addEventListener("change", touch, true);

  document.addEventListener("htmx:configRequest", (event) => {
    const { detail } = event;
    detail.sentAt = clock; // the event's detail is the request's config: it comes back to us with the answer
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    answering = event.detail.requestConfig?.sentAt ?? Infinity;
  });
  Idiomorph.defaults.restoreFocus = true;
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => {
    const field = node instanceof HTMLOptionElement ? node.closest("select") : node;
    const isValue = name === "value" || name === "checked" || name === "selected";
    if (name === "open" && node.matches("details.menu")) return false; // a menu stays as the person left it
    return !(isValue && (touched.get(field) || 0) > answering);
  };

  // --- Saved or not ------------------------------------------------------------------------------------------------
  const isPulse = (event) => event.detail.requestConfig?.path.includes("/pulse/");
  function say(text, tone = "") { const it = find("#saved"); if (it) { it.textContent = text; it.dataset.tone = tone; } }
  document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.requestConfig.verb === "post" && !isPulse(event)) say("Saving…"); });
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.requestConfig.verb === "post" && event.detail.successful && !isPulse(event)) say("Saved"); });
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.addEventListener(name, (event) => { if (event.detail.requestConfig?.verb === "post" && !isPulse(event)) say("Not saved", "bad"); });

  // --- What the parts that are swapped in tell the rest -------------------------------------------------------------
  function keepTrue() {
    const revision = find("#topbar")?.dataset.revision || "";
    if (revision) document.body.dataset.revision = revision;
    const field = find("#palette-form [name=revision]");
    if (field && revision) field.value = revision;
  }
  for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(name, keepTrue);

  // A narrow window shows the outline, once, to those who never chose a view.
  const stored = (name, value) => { try { return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value); } catch { return "unknown"; } };
  document.addEventListener("click", (event) => { const link = event.target instanceof Element && event.target.closest("[data-view][href]"); if (link) stored("view", link.dataset.view); });
  const other = innerWidth < 768 && document.body.dataset.view === "canvas" && !stored("view") && find("#view-outline");
  if (other) { stored("view", "outline"); location.replace(other.href + location.hash); }
})();
