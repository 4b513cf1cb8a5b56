// The outline: arrows between rows, the open row marked, choosing where a step goes with the press that comes next, and
// going to a step from a search, a person or a joint. The canvas listens to the same "canvas:goto".
"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const rows = () => [...document.querySelectorAll(".outline-step")];
  const target = (event) => (event.target instanceof Element ? event.target : document.body);
  const editor = (window.editor ||= {});

  // --- Where a new step goes after a step: its first way that ends, else its first ------------------------------------
  const ways = (key) => [...document.querySelectorAll(`[data-source="${CSS.escape(key)}"][data-port][href]`)].filter((it) => it.dataset.pick !== "connect");
  const isEnd = ({ dataset }) => "end" in dataset || Boolean(document.getElementById(`exit-${dataset.source}-${dataset.port}`));
  editor.wayAfter = (key) => { const all = ways(key); return all.find(isEnd) || all[0]; };
  editor.placeAfter = (key) => { const way = key && key !== "flow" && editor.wayAfter(key); return way ? `${way.dataset.source}:${way.dataset.port}` : ""; };

  // --- The row of the open step -----------------------------------------------------------------------------------------
  function mark() {
    const panel = find("#inspector > [data-step], #inspector > [data-at]");
    const key = panel?.dataset.step || "", at = panel?.dataset.at || "";
    for (const it of document.querySelectorAll(".outline [aria-current]")) it.removeAttribute("aria-current");
    document.getElementById(`row-${key}`)?.setAttribute("aria-current", "true");
    if (at) for (const it of document.querySelectorAll(".outline-add")) if (`${it.dataset.source}:${it.dataset.port}` === at) it.setAttribute("aria-current", "true");
  }

  // --- After an act only what changed arrives: items that are new or read differently, and lists in their new order ------
  function reorder(list, ids, items) {
    let cursor = list.firstElementChild;
    for (const id of ids) {
      const item = items.get(id);
      if (item === cursor) cursor = cursor.nextElementSibling; else if (item) list.insertBefore(item, cursor);
    }
  }
  // An item with the lists that it had: what stands around them is replaced, they stay where they are.
  const around = (item) => [...item.querySelectorAll(":scope > :not(section), :scope > section > :not(ol)")];
  const lists = (item) => [...item.querySelectorAll(":scope > section > ol, :scope > ol")].map((it) => it.id).join(" ");
  function change(old, item) {
    const olds = around(old), news = around(item);
    if (lists(old) !== lists(item) || olds.length !== news.length) return false;
    news.forEach((part, at) => { if (!olds[at].isEqualNode(part)) { olds[at].replaceWith(part); htmx.process(part); } });
    return true;
  }
  function patch() {
    const box = find("#outline-patch[data-changes]"), main = box?.closest("#main");
    if (!main) return;
    const { base, revision, changes } = box.dataset, { gone, lists: orders } = JSON.parse(changes);
    delete box.dataset.changes;
    if (main.dataset.revision === revision) return;
    if (main.dataset.revision !== base) { // something between was missed
      htmx.ajax("GET", `${find("#topbar").dataset.url}?part=canvas`, { target: "#main", swap: "morph:outerHTML" });
      return;
    }
    const named = (selector, root) => new Map([...root.querySelectorAll(selector)].map((it) => [it.id, it]));
    const items = named(".outline-item", main), olds = named("ol[id]", main);
    const fresh = [...document.importNode(box.querySelector("template").content, true).children];
    for (const item of fresh) {
      const old = items.get(item.id);
      if (old && change(old, item)) continue;
      for (const [id, list] of named("ol[id]", item)) { if (olds.has(id)) list.append(...olds.get(id).children); olds.set(id, list); }
      if (old) old.replaceWith(item); else find(".outline-row", item)?.classList.add("is-new");
      items.set(item.id, item);
    }
    for (const [id, ids] of Object.entries(orders)) if (olds.has(id)) reorder(olds.get(id), ids, items);
    for (const id of gone) items.get(id)?.remove();
    for (const item of fresh) if (item.isConnected) htmx.process(item);
    main.dataset.revision = revision;
    find("#outline > [name=revision]").value = revision;
    box.replaceChildren();
  }
  for (const name of ["htmx:oobAfterSwap", "htmx:afterSettle"]) document.addEventListener(name, () => { if (document.getElementById("outline")) { patch(); mark(); } });

  // One form for all rows, sent by hand: htmx would look at each of its thousands of buttons.
  document.addEventListener("submit", (event) => {
    const press = event.target.id === "outline" && event.submitter;
    if (!press) return;
    event.preventDefault();
    editor.post(new URL(press.formAction).pathname.slice(find("#topbar").dataset.url.length), press.name ? { [press.name]: press.value } : {});
  });

  // --- Go to a step -------------------------------------------------------------------------------------------------------
  function goTo(key) {
    window.dispatchEvent(new CustomEvent("canvas:goto", { detail: { key } }));
    const row = document.getElementById(`row-${key}`);
    if (!row) return;
    row.closest(".outline-item").scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    row.classList.add("is-found");
    setTimeout(() => row.classList.remove("is-found"), 1800);
    return row;
  }
  document.addEventListener("click", (event) => {
    const link = target(event).closest("[data-goto]");
    if (!link) return;
    const row = goTo(link.dataset.goto);
    if (row && link.closest(".outline")) row.focus({ preventScroll: true });
  });

  // --- Arrows ---------------------------------------------------------------------------------------------------------------
  function next(row, key) {
    const all = rows(), at = all.indexOf(row), item = row.closest(".outline-item");
    if (key === "ArrowDown") return all[at + 1];
    if (key === "ArrowUp") return all[at - 1];
    if (key === "Home") return all[0];
    if (key === "End") return all.at(-1);
    if (key === "ArrowLeft") return item.parentElement.closest(".outline-item")?.querySelector(".outline-step");
    if (key === "ArrowRight") return find(".outline-branch .outline-step", item);
    return null;
  }
  document.addEventListener("keydown", (event) => {
    const row = target(event).closest(".outline-row")?.querySelector(".outline-step");
    if (event.defaultPrevented || !row || target(event).closest("details[open]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.altKey) { // Alt with an arrow moves the step itself
      const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
      const press = way && row.parentElement.querySelector(`[data-shift="${way}"]`);
      if (way) event.preventDefault();
      if (press) { row.focus(); press.click(); }
      return;
    }
    const to = next(row, event.key);
    if (!to) return;
    event.preventDefault();
    to.focus();
    to.scrollIntoView({ block: "nearest" });
  });

  document.addEventListener("toggle", (event) => { // a menu at the lower edge comes into sight
    if (target(event).matches(".outline-menu[open]")) find(".menu-list", event.target).scrollIntoView({ block: "nearest" });
  }, true);

  // --- Choosing a place for a step, or a step for an end, with the next press ---------------------------------------------
  let picking = null; // {kind, values of the link that began it, from: where the keyboard goes back to}
  function word(text) { for (const it of document.querySelectorAll(".outline-add-text")) it.firstChild.data = text; }
  function stop() {
    if (!picking) return false;
    word("Add a step");
    find(".picking")?.remove();
    const main = find("#main");
    if (main) delete main.dataset.picking;
    picking.from?.focus();
    picking = null;
    return true;
  }
  editor.stopPicking = stop;
  function start(link) {
    stop();
    const { pick: kind, title } = link.dataset, main = find("#main");
    const menu = link.closest("details"), from = menu ? find("summary", menu) : link;
    if (menu) menu.open = false;
    picking = { kind, from, link: { ...link.dataset } };
    main.dataset.picking = kind;
    if (kind === "move") word("Move it here");
    const bar = Object.assign(document.createElement("div"), { className: "picking" });
    bar.append(Object.assign(document.createElement("p"), { textContent: kind === "move" ? `Where should “${title}” go? Press a place.` : `After “${title}”: which step comes next? Press it.` }));
    const cancel = Object.assign(document.createElement("button"), { type: "button", className: "btn sm", textContent: "Cancel" });
    cancel.addEventListener("click", stop);
    bar.append(cancel);
    main.prepend(bar);
    document.dispatchEvent(new CustomEvent("announce", { detail: { text: bar.firstChild.textContent } }));
    const row = from.closest(".outline-item");
    const first = kind === "move" ? find(":scope > .outline-place .outline-add", row) || find(".outline-add", row) : find(".outline-step", row) || rows()[0];
    first?.focus();
  }
  document.addEventListener("click", (event) => {
    const link = target(event).closest("[data-pick]");
    if (link && find("#outline")) { event.preventDefault(); event.stopPropagation(); start(link); return; }
    if (!picking) return;
    const { kind, link: { of, what = "", source, port } } = picking;
    const place = target(event).closest(".outline-add"), row = target(event).closest(".outline-step");
    if (!place && !row) return;
    event.preventDefault();
    event.stopPropagation();
    if (kind === "move" && place) { picking.from = document.getElementById(`row-${of}`); stop(); editor.post(`steps/${of}/move/`, { to: `${place.dataset.source}:${place.dataset.port}`, what }); }
    if (kind === "connect" && row) { stop(); editor.post("connect/", { source, port, target: row.dataset.key }); }
  }, true);
})();
