// Where the keyboard is after a part of the editor was replaced, and what is said about it aloud.
// Rule: stay on the same thing; where it is gone, on its nearest neighbour; a panel opened by keyboard goes on at its heading.
"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const active = () => (document.activeElement instanceof Element && document.activeElement !== document.body ? document.activeElement : null);
  const THINGS = ".outline-step, .canvas .step";

  // --- The place of the focus, in names that survive a swap: itself, its row, the rows after it and before it ----------
  function placeOf(element) {
    if (!element) return null;
    const names = element.id ? [element.id] : [];
    const row = element.closest(".outline-item"), thing = element.closest(THINGS) || (row && find(".outline-step", row));
    if (thing) {
      const all = [...document.querySelectorAll(THINGS)], at = all.indexOf(thing);
      const after = thing.dataset.next ? [thing.dataset.next] : [];
      names.push(thing.id, ...after, ...all.slice(at + 1, at + 30).map((it) => it.id), ...all.slice(Math.max(0, at - 30), at).reverse().map((it) => it.id));
    } else names.push(element.closest("[id]")?.id);
    const { top } = element.getBoundingClientRect();
    return { element, names: names.filter(Boolean), top };
  }
  function focusable(element) {
    if (!element || element.closest("[hidden], .is-gone") || !element.getClientRects().length) return null;
    return element.matches("a[href], button:not(:disabled), input, select, textarea, summary, [tabindex]") ? element : find(".step, .outline-step, a[href], button:not(:disabled)", element);
  }
  let held = null;
  function hold() { held = placeOf(active()) || held; }
  function restore() {
    if (!held) return;
    if (active()?.isConnected) { held = null; return; }
    for (const name of held.names) {
      const next = focusable(document.getElementById(name));
      if (next) { next.focus({ preventScroll: next.getBoundingClientRect().top >= 0 && next.getBoundingClientRect().bottom <= innerHeight }); break; }
    }
    held = null;
  }
  document.addEventListener("htmx:beforeRequest", hold);
  document.addEventListener("htmx:beforeSwap", hold);
  document.addEventListener("htmx:afterSettle", () => requestAnimationFrame(() => requestAnimationFrame(restore)));

  let lastThing = "";
  document.addEventListener("focusin", (event) => { const it = event.target.closest?.(THINGS); if (it) lastThing = it.id; });

  // --- The panel -------------------------------------------------------------------------------------------------------
  const panel = () => { const it = find("#inspector > div[id]"); return it ? [it.id, it.dataset.step, it.dataset.at].join(" ") : ""; };
  let shown = panel(), wanted = "";
  const editor = (window.editor ||= {});
  editor.focusNext = (selector) => { wanted = selector; }; // after the next swap, the keyboard goes there
  editor.focusIn = (selector) => {
    const field = find(`#inspector ${selector}`) || (selector === ".pick" ? find("#inspector h2") : null);
    for (let fold = field?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (field?.matches("h2")) field.tabIndex = -1;
    field?.focus();
    return Boolean(field);
  };
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "inspector") return;
    const asked = wanted;
    wanted = "";
    if (asked && editor.focusIn(asked)) { shown = panel(); held = null; return; }
    const { requestConfig: request } = event.detail;
    const banner = find("#inspector > .banner.bad");
    if (banner && innerWidth < 768) document.dispatchEvent(new CustomEvent("toast", { detail: { text: banner.textContent.trim(), tone: "bad" } }));
    if (panel() === shown) return;
    shown = panel();
    const side = document.getElementById("inspector");
    requestAnimationFrame(() => { side.scrollTop = 0; }); // now it would lay the page out once more
    const heading = find("#inspector h2");
    const isSheet = matchMedia("(max-width: 767px)").matches;
    if (heading && (request?.triggeringEvent?.detail === 0 || isSheet)) { heading.tabIndex = -1; heading.focus({ preventScroll: true }); held = null; }
  });
  document.addEventListener("click", (event) => { // a panel that is closed gives the keyboard back to its step
    if (!(event.target instanceof Element) || !event.target.closest(".inspector-close")) return;
    const key = find("#inspector > [data-step]")?.dataset.step || "", at = find("#inspector > [data-at]")?.dataset.at || "";
    const cut = at.lastIndexOf(":");
    const plus = at && find(`[data-source="${CSS.escape(at.slice(0, cut))}"][data-port="${CSS.escape(at.slice(cut + 1))}"]`);
    const back = plus || document.getElementById(`row-${key}`) || document.getElementById(`step-${key}`) || document.getElementById(lastThing);
    const give = (done) => { if (done.target.id === "inspector") { document.removeEventListener("htmx:afterSettle", give); (back || find("#main"))?.focus({ preventScroll: Boolean(back?.matches(".step")) }); held = null; } };
    document.addEventListener("htmx:afterSettle", give);
  });

  // --- Aloud: an act that has no toast says its own name ------------------------------------------------------------------
  let last = find("#topbar")?.dataset.last || "", told = false;
  document.addEventListener("toast", () => { told = true; });
  document.addEventListener("htmx:beforeRequest", () => { told = false; });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "inspector") return;
    const name = find("#topbar")?.dataset.last || "";
    if (name !== last && name && !told) document.dispatchEvent(new CustomEvent("announce", { detail: { text: `Saved: ${name}` } }));
    last = name;
  });
})();
