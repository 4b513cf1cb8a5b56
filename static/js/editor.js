// The editor's forms save themselves, and answers arrive while one is typing: what was typed since wins.
"use strict";
(() => {
  const SETTINGS = "#settings-form";
  let clock = 0, answering = Infinity;
  const touched = new WeakMap(); // a field -> when it was last changed by hand
  const touch = (event) => { const it = event.target; if (it.form?.matches?.(SETTINGS)) touched.set(it, ++clock); };
  document.addEventListener("input", touch, true);
  document.addEventListener("change", touch, true);

  document.addEventListener("htmx:configRequest", (event) => {
    const { detail } = event;
    detail.sentAt = clock; // the event's detail is the request's config: it comes back to us with the answer
    if (!event.target.matches(SETTINGS)) return;
    // A button acts only when it was pressed: having the focus is not enough.
    const pressed = detail.triggeringEvent?.submitter;
    detail.formData.delete("act");
    if (pressed?.name === "act") detail.formData.set("act", pressed.value);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    answering = event.detail.requestConfig?.sentAt ?? Infinity;
  });
  Idiomorph.defaults.restoreFocus = true;
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => {
    const field = node instanceof HTMLOptionElement ? node.closest("select") : node;
    const isValue = name === "value" || name === "checked" || name === "selected";
    return !(isValue && (touched.get(field) || 0) > answering);
  };

  // After a panel was changed for another one by keyboard, the keyboard goes on there.
  const panel = () => { const it = document.querySelector("#inspector > div[id]"); return it ? it.id + (it.dataset.step || "") : ""; };
  let shown = panel();
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "inspector" || panel() === shown) return;
    shown = panel();
    const side = document.getElementById("inspector");
    if (innerWidth <= 600 && side.getBoundingClientRect().top > innerHeight / 2) side.scrollIntoView({ behavior: "smooth" }); // a phone: it stands below
    const heading = document.querySelector("#inspector h2");
    if (heading && event.detail.requestConfig?.triggeringEvent?.detail === 0) { heading.tabIndex = -1; heading.focus(); }
  });

  // The bar says when something is on its way.
  const say = (text) => { const it = document.querySelector("#topbar .saved"); if (it) it.textContent = text; };
  document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.requestConfig.verb === "post") say("Saving…"); });
  document.addEventListener("htmx:sendError", () => say("Not saved"));
  document.addEventListener("htmx:responseError", () => say("Not saved"));
})();
