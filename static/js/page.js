// What every request of the editor says: the view and the revision that the page shows; with a pulse, where one is.
"use strict";
(() => {
  const bar = () => document.getElementById("topbar");
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const canvas = document.getElementById("canvas");
    detail.headers["X-View"] = document.body.dataset.view || "canvas";
    detail.headers["X-Revision"] = canvas?.dataset.revision ?? bar()?.dataset.revision ?? "";
    // The button that was pressed acts, and no other: htmx takes the last that had the focus, which a request that
    // waited its turn finds to be another, or none.
    const form = detail.elt, button = detail.triggeringEvent?.submitter;
    if (form.matches("form") && detail.triggeringEvent) {
      for (const { name } of form.querySelectorAll("button[name]")) if (!form.querySelector(`:is(input, select, textarea)[name="${name}"]`)) delete detail.parameters[name];
      if (button?.name) detail.parameters[button.name] = button.value;
      if (button) detail.path = button.getAttribute("formaction") ?? form.getAttribute("hx-post") ?? detail.path;
    }
    if (detail.elt.id !== "pulse") return;
    const panel = document.querySelector("#inspector > [id]");
    detail.parameters.step = panel?.dataset.step || "";
    detail.parameters.panel = (panel?.id || "").replace(/^_?(panel_)?/, "").replace("step", "");
  });
  // The address follows an act once the answer is painted: writing it takes longer than many an answer.
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    const url = xhr?.getResponseHeader("X-Url");
    if (url) requestAnimationFrame(() => setTimeout(() => { if (url !== location.pathname + location.search) history.pushState({ htmx: true }, "", url); }));
  });
  // A page that nobody looks at asks nothing.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id === "pulse" && document.hidden) event.preventDefault();
  });
})();
