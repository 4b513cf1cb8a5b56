// The fields of a form: pickers that look for what is typed, tags put into texts, counts while typing, rows of pairs.
// Everything here is a help: without it the same fields take ids and texts by hand.
"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const element = (event) => (event.target instanceof Element ? event.target : null);
  const changed = (field) => field.dispatchEvent(new Event("change", { bubbles: true }));
  const isPicker = (it) => Boolean(it?.matches?.("input[role=combobox][data-url]"));
  const DELAY = 150;

  // --- The list of a picker: one for the page, outside of what is swapped -------------------------------------------
  let input = null, box = null, timer = 0, last = "", wait = false; // wait: Enter came before the list did
  let before = "", committed = null; // what stood in the field when one came; what was chosen since
  const options = () => (box ? [...box.querySelectorAll("[role=option]")] : []);
  const active = () => box && find("[role=option][aria-selected=true]", box);

  function listBox() {
    if (box?.isConnected) return box;
    box = Object.assign(document.createElement("div"), { id: "picks", className: "picks-box", hidden: true, role: "region", ariaLabel: "Suggestions" });
    document.body.append(box);
    box.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the keyboard
    box.addEventListener("click", (event) => { const hit = element(event)?.closest("[role=option]"); if (hit) choose(hit); });
    return box;
  }
  function place() {
    if (!input || box.hidden) return;
    const { left, bottom, top, width } = input.getBoundingClientRect();
    const below = innerHeight - bottom - 12, above = top - 12, up = below < 180 && above > below;
    Object.assign(box.style, { left: `${left}px`, width: `${width}px`, maxHeight: `${Math.max(120, Math.min(340, up ? above : below))}px`, top: up ? "auto" : `${bottom + 4}px`, bottom: up ? `${innerHeight - top + 4}px` : "auto" });
  }
  function show() {
    listBox().hidden = false;
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-controls", "picks-list");
    place();
  }
  function hide() {
    clearTimeout(timer);
    wait = false;
    if (box) { box.hidden = true; box.replaceChildren(); }
    if (!input) return;
    input.setAttribute("aria-expanded", "false");
    for (const name of ["aria-controls", "aria-activedescendant"]) input.removeAttribute(name);
  }
  function look(text) {
    const field = input;
    last = text;
    htmx.ajax("GET", field.dataset.url, { source: field, target: listBox(), swap: "innerHTML", values: { q: text, name: field.name, step: field.dataset.step } });
  }
  const soon = (text) => { clearTimeout(timer); timer = setTimeout(() => { if (input) look(text); }, DELAY); };
  document.addEventListener("htmx:configRequest", ({ detail }) => { // a search says what is looked for, nothing else of the form
    if (!isPicker(detail.elt) || detail.verb !== "get") return;
    const field = detail.elt;
    detail.parameters = { q: last, name: field.name, step: field.dataset.step || "" };
    detail.formData && [...detail.formData.keys()].forEach((key) => { if (!["q", "name", "step"].includes(key)) detail.formData.delete(key); });
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target !== box || !input || document.activeElement !== input) return;
    show();
    const hits = options();
    if (wait && hits.length) { wait = false; choose(hits[0]); } else if (hits.length && last && !("free" in input.dataset)) mark(hits[0]);
  });
  function mark(option) {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    if (option) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); } else input.removeAttribute("aria-activedescendant");
  }
  function choose(option) {
    const field = input, { value, name } = option.dataset;
    field.value = value;
    const picked = find(".picked-name", field.closest(".picker"));
    if (picked) picked.textContent = name; // at once; the answer brings the rest
    hide();
    before = committed = value;
    field.select(); // what is typed next looks for another
    changed(field);
  }

  // --- What a person types stays what it was unless it was chosen, is an id, or may be any text ---------------------------
  const isId = (text) => /^content:.+$|^(?=.*[A-Z0-9])[A-Za-z0-9_-]{5,40}$/.test(text);
  document.addEventListener("focusin", (event) => {
    if (!isPicker(event.target)) return;
    input = event.target;
    before = input.value;
    committed = null;
    input.select();
    soon("");
  });
  document.addEventListener("focusout", (event) => {
    if (event.target !== input || !input) return;
    hide();
    input = null;
  });
  document.addEventListener("input", (event) => { if (event.target === input && input) { wait = false; input.setAttribute("aria-expanded", "true"); soon(input.value.trim()); } });
  document.addEventListener("change", (event) => { // before the form hears of it
    const field = event.target;
    if (!isPicker(field) || !event.isTrusted) return;
    const text = field.value.trim(), hits = input === field ? options() : [];
    if (committed === text || !text || "free" in field.dataset || isId(text)) return;
    const same = hits.find((one) => one.dataset.name.toLowerCase() === text.toLowerCase()) || (hits.length === 1 && last === text && hits[0]);
    event.stopImmediatePropagation();
    if (same) { choose(same); return; }
    field.value = before;
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: `Nothing was chosen for “${text}”: it stays as it was. Choose one of the list, or write its id.`, tone: "warn" } }));
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.target !== input || !input || event.isComposing) return;
    const isOpen = box && !box.hidden, hits = isOpen ? options() : [], at = hits.indexOf(active());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) { look(input.value === before ? "" : input.value.trim()); return; }
      if (hits.length) mark(hits[(at + (event.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + hits.length) % hits.length]);
    } else if (event.key === "Enter") {
      if (at >= 0) { event.preventDefault(); choose(hits[at]); } else if (input.value.trim() !== before && !("free" in input.dataset) && !isId(input.value.trim())) { event.preventDefault(); wait = true; }
    } else if (event.key === "Escape" && (isOpen || input.value !== before)) {
      event.preventDefault();
      event.stopPropagation();
      input.value = before;
      hide();
    } else if (event.key === "Tab" && at >= 0 && input.value.trim() && input.value !== before) choose(hits[at]);
  }, true);
  addEventListener("scroll", place, true);
  addEventListener("resize", place);
  document.addEventListener("htmx:afterSettle", (event) => { // an answer to another act says nothing about an open list
    if (event.target === box || !input?.isConnected) return;
    if (input.value === input.defaultValue) before = input.value;
    if (box && !box.hidden) show();
  });

  // --- Tags into texts: at the place where one was ---------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const button = element(event)?.closest("[data-insert]");
    const field = button && document.getElementById(button.dataset.into);
    if (!field) return;
    const { selectionStart: from = field.value.length, selectionEnd: to = from } = field;
    field.setRangeText(button.dataset.insert, from, to, "end");
    button.closest("details")?.removeAttribute("open");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    changed(field);
    requestAnimationFrame(() => field.focus()); // after the menu gave the keyboard back to its button
  });

  // --- Counts: as phones count (kinds/messages.py says it again with each answer) ------------------------------------------
  const BASIC = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\[~\]|€\f]*$/, DOUBLE = /[\^{}\\[~\]|€\f]/g;
  function counted(text) {
    if (!text) return "No text yet.";
    const isBasic = BASIC.test(text), units = isBasic ? text.length + (text.match(DOUBLE) || []).length : text.length;
    const [single, part] = isBasic ? [160, 153] : [70, 67];
    const characters = [...text].length, segments = units <= single ? 1 : Math.ceil(units / part);
    const say = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
    return `${say(characters, "character")}, ${say(segments, "segment")}${/\{\{|\{%/.test(text) ? ", and what the tags become" : ""}`;
  }
  document.addEventListener("input", (event) => {
    const out = document.getElementById(`${event.target.id || "no"}-count`);
    if (out?.dataset.count === "segments") out.textContent = counted(event.target.value);
  });

  // --- Pairs: another row, an emptied one ------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const clear = element(event)?.closest("[data-clear]"), another = element(event)?.closest("[data-another]");
    if (clear) {
      const fields = clear.closest(".pair").querySelectorAll("input");
      for (const field of fields) field.value = "";
      changed(fields[0]);
    }
    if (another) {
      const rows = find(".pair-rows", another.closest(".pairs")), free = [...rows.children].find((row) => !find("input", row).value);
      const row = free || rows.lastElementChild.cloneNode(true);
      if (!free) { row.removeAttribute("id"); for (const field of row.querySelectorAll("input")) field.value = ""; rows.append(row); }
      find("input", row).focus();
    }
  });
  // A name without a value is half a pair: it waits for the other half before it is sent.
  document.addEventListener("change", (event) => {
    const pair = element(event)?.closest(".pair");
    if (!pair || !event.isTrusted) return;
    const [key, value] = pair.querySelectorAll("input");
    if (key.value && !value.value && event.target === key && !value.defaultValue) event.stopImmediatePropagation();
  }, true);

  // --- A fold that a person opened stays open when its form is answered ------------------------------------------------------
  const { callbacks } = Idiomorph.defaults, others = callbacks.beforeAttributeUpdated;
  callbacks.beforeAttributeUpdated = (name, node, how) => (name === "open" && how === "remove" && node.matches("details.fold") ? false : others?.(name, node, how));

  // --- Fields of the settings that stand outside of their form, such as the name in the head --------------------------------
  document.addEventListener("change", (event) => {
    const { form } = event.target;
    if (form?.id === "settings-form" && !form.contains(event.target)) changed(form);
  });
})();
