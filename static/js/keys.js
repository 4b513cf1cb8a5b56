// The keys of the editor, but for those of the canvas itself (canvas.js) and between rows (outline.js). The sheet "?" lists
// them: templates/editor/_key_list.html. Never while one types in a field, and never a copy of text that is marked.
"use strict";
(() => {
  const find = (selector) => document.querySelector(selector);
  const editor = (window.editor ||= {});
  const bar = () => find("#topbar");
  const press = (id) => { const it = document.getElementById(id); it?.click(); return Boolean(it); };
  const tell = (text) => document.dispatchEvent(new CustomEvent("toast", { detail: { text, tone: "" } }));

  // One act: a post to an address of the flow; the panel is the answer, the rest of the page comes with it.
  editor.post = (path, values = {}) => htmx.ajax("POST", bar().dataset.url + path, { target: "#inspector", swap: "morph:outerHTML", values: { revision: document.body.dataset.revision || "", ...values } });

  // --- Which step is meant: the one with the keyboard, else the one that is open ------------------------------------------
  function current() {
    const at = document.activeElement;
    const step = at?.closest?.(".canvas .step[id^='step-']") || at?.closest?.(".outline-item[id^='item-']");
    if (step) return step.id.slice(5);
    const open = find("#inspector > [data-step]")?.dataset.step || "";
    return open === "flow" ? "" : open;
  }
  const needsStep = (act) => () => {
    const key = current();
    if (key && key !== "trigger") return act(key);
    tell(key ? "The trigger stays where it is. Choose a step first." : "Choose a step first.");
  };
  function way() { // the place that is meant: a plus with the keyboard, an open place, else after the step
    const plus = document.activeElement?.closest?.("[data-source][data-port]");
    if (plus) return plus;
    const at = find("#inspector > [data-at]")?.dataset.at || "", cut = at.lastIndexOf(":");
    if (at) return find(`[href][data-source="${CSS.escape(at.slice(0, cut))}"][data-port="${CSS.escape(at.slice(cut + 1))}"]`);
    return editor.wayAfter(current() || "trigger");
  }

  // --- The acts ---------------------------------------------------------------------------------------------------------
  const stepAct = (name) => needsStep((key) => editor.post(`steps/${key}/${name}/`));
  const thing = (key) => document.getElementById(`step-${key}`) || document.getElementById(`row-${key}`);
  function search() {
    if (editor.focusIn("#search-text")) { find("#search-text").select(); return; }
    editor.focusNext("#search-text");
    press("open-search");
  }
  function note() {
    needsStep((key) => {
      if (find("#inspector > [data-step]")?.dataset.step === key && editor.focusIn("[name=note]")) return;
      editor.focusNext("[name=note]");
      thing(key)?.click();
    })();
  }
  function paste() {
    const place = way();
    if (place) editor.post("paste/", { source: place.dataset.source, port: place.dataset.port });
    else tell("Choose a step or a plus first: what you copied is put after it.");
  }
  function add() {
    const place = way();
    if (place) { editor.focusNext(".pick"); place.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true })); } else tell("Choose a step first: the new one is put after it.");
  }
  function sheet() { const it = find("#keys-dialog"); if (it) it.open ? it.close() : it.showModal(); }
  function escape() {
    if (editor.stopPicking?.()) return true;
    const close = find(".inspector-close");
    if (!close || find("#inspector > [data-step=flow]")) return false;
    close.click();
    return true;
  }

  const WITH_CTRL = { z: () => press("undo"), y: () => press("redo"), "shift+z": () => press("redo"), c: stepAct("copy"), x: stepAct("cut"), v: paste, d: stepAct("duplicate"), f: search };
  const LETTERS = { a: add, d: stepAct("duplicate"), f: search, n: note, p: () => press("open-problems"), h: () => press("open-edits"), 1: () => press("view-canvas"), 2: () => press("view-outline"), "?": sheet };
  const OF_A_STEP = { Delete: stepAct("delete"), Backspace: stepAct("delete") };

  // --- When a key is ours --------------------------------------------------------------------------------------------------
  const TEXT = "input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=range], [type=color], [type=file]), textarea, [contenteditable]";
  const stored = (value) => { try { return value === undefined ? localStorage.getItem("letters") : localStorage.setItem("letters", value); } catch { return null; } };
  const lettersWork = () => stored() !== "off";

  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.defaultPrevented || event.isComposing || event.altKey || !bar()) return;
    if (find("dialog:modal")) { // only the sheet's own key closes it again
      if (event.key === "?" && find("#keys-dialog")?.open && !target.closest(TEXT)) { sheet(); event.preventDefault(); }
      return;
    }
    const isText = Boolean(target.closest(TEXT)), ctrl = event.ctrlKey || event.metaKey;
    if (event.key === "Escape") {
      if (target.closest("[data-filter]") || target.closest("[role=combobox][aria-expanded=true]") || find("details.menu[open]")) return;
      if (escape()) event.preventDefault();
      return;
    }
    if (isText) return;
    const name = (ctrl && event.shiftKey ? "shift+" : "") + event.key.toLowerCase();
    if (ctrl) {
      if ((name === "c" || name === "x") && String(getSelection())) return; // the text that is marked is meant
      run(event, WITH_CTRL[name]);
    } else if (OF_A_STEP[event.key]) {
      if (target === document.body || target.closest(".canvas-wrap, .outline")) run(event, OF_A_STEP[event.key]);
    } else if (lettersWork() && !target.closest("select, .menu[open]")) run(event, LETTERS[name]);
  });
  function run(event, act) {
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || event.key.toLowerCase() === "z" || event.key.toLowerCase() === "y") act();
  }

  // A press that has nothing to do says so instead of going to the server.
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button[aria-disabled='true']");
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    if (button.title) tell(`${button.title}.`);
  }, true);
  // What is undone or brought again leaves the person where they are.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.verb !== "post" || !/\/(undo|redo)\/$/.test(detail.path)) return;
    const step = find("#inspector > [data-step]")?.dataset.step || "";
    if (step && step !== "flow" && !detail.parameters.step) detail.parameters.step = step;
  });
  document.addEventListener("change", (event) => { if (event.target.matches?.("[data-letters]")) stored(event.target.checked ? "on" : "off"); });
  for (const box of document.querySelectorAll("[data-letters]")) box.checked = lettersWork();
  // Up and down in a list of choices, as in a menu.
  document.addEventListener("keydown", (event) => {
    const list = event.target instanceof Element && event.target.matches(".pick, .hit, #search-text") && event.target.closest("#inspector");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!list || !step || event.defaultPrevented) return;
    const all = [...list.querySelectorAll("#search-text, .pick, .hit")], to = all[all.indexOf(event.target) + step];
    if (to) { to.focus(); event.preventDefault(); }
  });
  document.addEventListener("keydown", (event) => { // Enter in the search goes to the first step found
    const hit = event.key === "Enter" && event.target.id === "search-text" && find("#hits .hit");
    if (hit) { event.preventDefault(); hit.click(); }
  });
})();
