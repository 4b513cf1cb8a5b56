// The editor: what is being typed survives the answer to an earlier change, and a + opened from the canvas takes the focus.
"use strict";
(() => {
  Idiomorph.defaults.ignoreActiveValue = true;
  Idiomorph.defaults.restoreFocus = true;

  // After a panel was changed for another one, the keyboard goes on there.
  let shown = "";
  const panel = () => { const it = document.querySelector("#inspector > div[id]"); return it ? it.id + (it.dataset.step || "") : ""; };
  document.addEventListener("DOMContentLoaded", () => { shown = panel(); });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "inspector" || panel() === shown) return;
    shown = panel();
    const heading = document.querySelector("#inspector h2");
    if (heading && event.detail.requestConfig?.triggeringEvent?.detail === 0) { heading.tabIndex = -1; heading.focus(); } // came by keyboard
  });

  // The bar says when something is on its way.
  const saved = (text) => { const it = document.querySelector("#topbar .saved"); if (it) it.textContent = text; };
  document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.requestConfig.verb === "post") saved("Saving…"); });
  document.addEventListener("htmx:sendError", () => saved("Not saved"));
  document.addEventListener("htmx:responseError", () => saved("Not saved"));
})();
