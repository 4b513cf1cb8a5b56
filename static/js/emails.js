// The editor of an email: the preview follows what is typed, a problem leads to its line, nothing unsaved is lost.
"use strict";
(() => {
  const find = (selector) => document.querySelector(selector);
  const form = find("#mail-form"), stage = find("#mail-stage");
  if (!form) return;
  const DELAY = 300, WORDS = ["name", "html", "text"];
  const field = (name) => form.elements[name];
  const html = field("html"), at = find("#at");
  const mayWrite = !html.readOnly;

  // --- The preview: the form itself, posted into a new frame that takes the old one's place when it is there -------
  // A frame's first page is no step in the browser's history, so that Back leaves the editor and not the last letter.
  let frame = find("#mail-frame"), number = 0;
  function show() {
    stage.querySelectorAll("iframe[data-next]").forEach((old) => old.remove());
    const next = frame.cloneNode();
    next.removeAttribute("src");
    next.removeAttribute("id");
    next.name = `mail-frame-${++number}`;
    next.dataset.next = "";
    stage.append(next);
    next.addEventListener("load", () => {
      if (!next.isConnected || !("next" in next.dataset)) return;
      frame.remove();
      delete next.dataset.next;
      next.id = "mail-frame";
      frame = next;
    });
    const { action, target } = form;
    form.action = form.dataset.preview;
    form.target = next.name;
    HTMLFormElement.prototype.submit.call(form);
    form.action = action;
    form.target = target;
  }

  // --- Unsaved ---------------------------------------------------------------------------------------------------------
  const read = () => WORDS.map((name) => field(name).value).join("\0");
  let saved = WORDS.map((name) => field(name).defaultValue.replaceAll("\r\n", "\n")).join("\0"), sent = saved, leaving = false;
  const isDirty = () => mayWrite && read() !== saved;
  function say(text = isDirty() ? "Not saved yet" : "") { const it = find("#unsaved"); if (it) it.textContent = text; }
  form.addEventListener("htmx:configRequest", (event) => { if (event.target === form) { sent = read(); say("Saving…"); } });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== form) return;
    if (event.detail.successful) saved = sent;
    say(isDirty() ? "Not saved yet" : "Saved");
  });
  window.addEventListener("beforeunload", (event) => { if (isDirty() && !leaving) event.preventDefault(); });
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-leave]")) leaving = true; });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "s") return;
    event.preventDefault(); // never the browser's own “Save page”
    if (isDirty()) form.requestSubmit(find("#save"));
  });

  // --- While one types -----------------------------------------------------------------------------------------------
  let later = 0;
  form.addEventListener("input", (event) => changed(event.target));
  find(".mail-switches").addEventListener("change", (event) => changed(event.target));
  function changed({ name, value }) {
    if (name === "width") { stage.dataset.width = value; return; }
    if (name === "scheme") stage.dataset.scheme = value;
    if (name === "html") { at.disabled = false; at.value = html.selectionStart; numberLines(); }
    if (name === "who" && value === "own") find("#data").open = true;
    if (name === "sample" && field("who").value !== "own") field("who").value = "own";
    say();
    clearTimeout(later);
    later = setTimeout(() => { show(); htmx.trigger("#judged", "judge"); }, DELAY);
  }

  // --- Lines ----------------------------------------------------------------------------------------------------------
  const lines = Object.assign(document.createElement("pre"), { className: "mail-lines", ariaHidden: "true" });
  let count = 0;
  function numberLines() {
    const now = html.value.split("\n").length;
    if (now === count) return;
    count = now;
    lines.textContent = Array.from({ length: now }, (_, index) => index + 1).join("\n");
    lines.dataset.digits = String(Math.max(3, String(now).length));
    lines.scrollTop = html.scrollTop;
  }
  html.before(lines);
  html.addEventListener("scroll", () => { lines.scrollTop = html.scrollTop; });
  numberLines();
  // A problem names its line: go there and mark it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-line]");
    if (!link) return;
    event.preventDefault();
    const area = field(link.getAttribute("href").slice(1)), rows = area.value.split("\n"), line = Number(link.dataset.line);
    if (area.closest("details")) area.closest("details").open = true;
    const start = rows.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    area.focus();
    area.setSelectionRange(start, start + (rows[line - 1] || "").length);
    area.scrollTop = parseFloat(getComputedStyle(area).lineHeight) * Math.max(0, line - 5);
  });
  // After a reload a browser may put back what was typed and chosen: then the preview shows that.
  window.addEventListener("pageshow", () => {
    const isKept = [...form.elements].some((it) => it.type === "radio" && it.checked !== it.defaultChecked);
    for (const name of ["width", "scheme"]) stage.dataset[name] = field(name).value;
    numberLines();
    say();
    if (isDirty() || isKept) { show(); htmx.trigger("#judged", "judge"); }
  });
})();
