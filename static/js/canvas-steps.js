// What is drawn on the canvas, read from the picture itself: where steps stand and how they are linked. From that: the open
// step and the way to it marked, arrows between steps, going to a step, opening one.
// Depends on js/canvas.js.
"use strict";
(() => {
  const { canvas } = window.editor;
  const find = (selector, root = document) => root.querySelector(selector);
  const byId = (id) => document.getElementById(id);
  let model = null, lit = new Set(); // lit: the wires on the way to the open step

  // --- The picture as values: read once, then kept true by canvas-patch.js ---------------------------------------------------
  function placeOf(group) {
    const [x, y] = group.getAttribute("transform").slice(10, -1).split(" ");
    return [Number(x), Number(y)];
  }
  function readNode(node) {
    const [x, y] = placeOf(node), inside = node.firstElementChild, key = node.id.slice(5);
    model.boxes.set(key, { key, node, x, y, w: Number(inside.getAttribute("width")), h: Number(inside.getAttribute("height")), isAway: node.classList.contains("is-away") });
  }
  function readOut(out) {
    const source = out.id.slice(4), [x, y] = placeOf(out), ways = [];
    let left = 0, right = 0, reach = 0; // how far its wires go
    for (const path of out.children) {
      if (path.localName !== "path") continue;
      const { port, target = "" } = path.dataset, d = path.getAttribute("d");
      ways.push({ source, port, target, path });
      reach = Math.max(reach, Number(d.slice(d.lastIndexOf("V") + 1)));
      for (const [, across] of d.matchAll(/H(-?\d+)/g)) { left = Math.min(left, across); right = Math.max(right, across); }
    }
    model.outs.set(source, { out, x, y, left: left - 100, right: right + 100, reach: reach + 40, ways, isAway: out.classList.contains("is-away") });
  }
  function now() {
    if (model) return model;
    model = { boxes: new Map(), outs: new Map() };
    for (const node of byId("nodes")?.children || []) readNode(node);
    for (const out of byId("wires")?.children || []) readOut(out);
    return model;
  }
  const waysOf = (key) => now().outs.get(key)?.ways || [];
  let led = null; // key -> the ways that lead there
  function waysTo(key) {
    if (!led) {
      led = new Map();
      for (const { ways } of now().outs.values()) for (const way of ways) if (way.target) led.has(way.target) ? led.get(way.target).push(way) : led.set(way.target, [way]);
    }
    return led.get(key) || [];
  }
  function changed() { led = null; swept = null; } // a patch was applied
  function reread(group) {
    now();
    const layer = group.classList[0];
    layer === "node" ? readNode(group) : readOut(group);
    return partOf(layer, group.id.slice(layer.length + 1));
  }
  function drop(key) { now().boxes.delete(key); model.outs.delete(key); }
  const partOf = (layer, key) => (layer === "node" ? now().boxes : now().outs).get(key);
  const putInPlace = (it) => (it.node || it.out).setAttribute("transform", `translate(${it.x} ${it.y})`);
  function shift(layer, key, dx, dy) { // what is not drawn is put in its place when it is
    const it = partOf(layer, key);
    if (!it) return null;
    const { x, y } = it;
    it.x += dx; it.y += dy;
    if (it.isAway) it.isStale = true; else putInPlace(it);
    return { it, x, y };
  }
  const box = (key) => (key ? now().boxes.get(key) : undefined);
  const card = (key) => byId(`step-${key}`);
  function reach(key, next) { // all steps that can be reached over `next`, itself left out
    const seen = new Set(), todo = [key];
    while (todo.length) for (const other of next(todo.pop())) if (other && !seen.has(other)) { seen.add(other); todo.push(other); }
    return seen;
  }
  const below = (key) => reach(key, (one) => waysOf(one).map((way) => way.target));
  const above = (key) => reach(key, (one) => waysTo(one).map((way) => way.source));

  // --- In a large flow, what is far from what one sees is not drawn: it would have to be laid out with every change -------------
  const MANY = 120, AROUND = 1000;
  let swept = null; // the part of the picture that was last looked at, with some room around it
  function cover(it, isAway) {
    if (it.isAway === isAway) return;
    it.isAway = isAway;
    (it.node || it.out).classList.toggle("is-away", isAway);
    if (isAway) return;
    if (it.isStale) { putInPlace(it); it.isStale = false; }
    for (const { path } of it.ways || []) path.classList.toggle("lit", lit.has(path));
  }
  function sweep() {
    const { x, y, k } = canvas.view(), { width, height } = canvas.size(), { boxes, outs } = now();
    const left = -x / k, top = -y / k, right = (width - x) / k, bottom = (height - y) / k;
    if (swept && left >= swept.left && top >= swept.top && right <= swept.right && bottom <= swept.bottom) return;
    swept = { left: left - AROUND, top: top - AROUND, right: right + AROUND, bottom: bottom + AROUND };
    const isFar = (l, t, r, b) => boxes.size > MANY && (r < swept.left - AROUND || l > swept.right + AROUND || b < swept.top - AROUND || t > swept.bottom + AROUND);
    const active = document.activeElement?.closest("#canvas .node, #canvas .out"); // never hidden: it would lose the keyboard
    for (const it of boxes.values()) if (it.node !== active) cover(it, isFar(it.x, it.y, it.x + it.w, it.y + it.h));
    for (const it of outs.values()) if (it.out !== active) cover(it, isFar(it.x + it.left, it.y, it.x + it.right, it.y + it.reach));
  }
  function focusOn(key, options) {
    const it = box(key);
    if (!it) return;
    cover(it, false);
    card(key).focus({ preventScroll: true, ...options });
  }

  // --- The open step, the open plus, and the way to it -----------------------------------------------------------------------
  const panel = () => find("[data-step], [data-at]", byId("inspector"));
  const selected = () => { const key = panel()?.dataset.step || ""; return key === "flow" ? "" : key; };
  let shown = "";
  function mark() {
    if (!canvas.svg()) return;
    const key = selected(), at = panel()?.dataset.at || "", before = lit;
    for (const it of canvas.svg().querySelectorAll("[aria-current]")) it.removeAttribute("aria-current");
    if (key && card(key)) { card(key).setAttribute("aria-current", "true"); rove(key); }
    const cut = at.lastIndexOf(":"), port = at.slice(cut + 1), source = at.slice(0, cut);
    if (at) find("a", byId(`plus-${source}-${port}`) || document.createElement("i"))?.setAttribute("aria-current", "true");
    lit = new Set();
    for (const one of key ? [key, ...above(key)] : []) for (const { source, path } of waysTo(one)) {
      lit.add(path);
      if (!partOf("out", source).isAway) path.classList.add("lit");
    }
    for (const path of before) if (!lit.has(path)) path.classList.remove("lit");
    canvas.map?.draw();
    if (key !== shown && key && box(key) && canvas.view()) canvas.reveal(box(key)); // what was just chosen or added comes into sight
    shown = key;
  }
  function woke() {
    lit = new Set(canvas.svg().querySelectorAll(".link.lit"));
    shown = selected();
    unreach(canvas.svg());
    rove("trigger");
    mark();
  }

  // --- Tab comes to one step and its pluses, not to a thousand: arrows go on from there -----------------------------------------
  let roving = "";
  const linksOf = (key) => [card(key), ...(byId(`out-${key}`)?.querySelectorAll(".plus") || [])];
  function rove(key) {
    for (const link of linksOf(roving)) link?.setAttribute("tabindex", "-1");
    roving = card(key) ? key : "trigger";
    for (const link of linksOf(roving)) link?.setAttribute("tabindex", "0");
  }
  function unreach(part) { for (const link of part.querySelectorAll("a")) link.setAttribute("tabindex", "-1"); }

  // --- Opening: only the panel comes; the picture is here already -------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("#canvas a");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
    event.preventDefault();
    for (const it of canvas.svg().querySelectorAll("[aria-current]")) it.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    htmx.ajax("GET", link.getAttribute("href"), { source: "#main", event, target: "#inspector", swap: "morph:outerHTML", push: "true" });
  });

  // --- Going to a step ----------------------------------------------------------------------------------------------------------
  window.addEventListener("canvas:goto", (event) => {
    const it = box(event.detail.key), step = card(event.detail.key);
    if (!it || !step) return;
    canvas.reveal(it, { centre: true });
    focusOn(event.detail.key);
    step.classList.add("is-found");
    setTimeout(() => step.classList.remove("is-found"), 1800);
  });

  // --- Arrows: up to what leads here, down what comes next, left and right along the branches ------------------------------------
  function beside(key, side) {
    const from = box(key), x = from.x + from.w / 2, y = from.y + from.h / 2;
    let best = null, least = Infinity;
    for (const other of now().boxes.values()) {
      const along = (other.x + other.w / 2 - x) * side, aside = Math.abs(other.y + other.h / 2 - y);
      if (along > from.w / 2 && other.key.trim() === other.key && along + aside * 2 < least) { least = along + aside * 2; best = other.key; }
    }
    return best;
  }
  const first = (ways, end) => ways.find((way) => way[end])?.[end];
  const ARROWS = {
    ArrowUp: (key) => first(waysTo(key), "source"),
    ArrowDown: (key) => first(waysOf(key), "target"),
    ArrowLeft: (key) => beside(key, -1),
    ArrowRight: (key) => beside(key, 1),
  };
  document.addEventListener("keydown", (event) => {
    const link = event.target instanceof Element && event.target.closest("#canvas a"), arrow = ARROWS[event.key];
    if (!link || !arrow || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { source, port } = link.dataset;
    const way = source && waysOf(source).find((one) => one.port === port);
    const to = way ? { ArrowUp: source, ArrowDown: way.target }[event.key] || ARROWS[event.key](source) : arrow(link.id.slice(5));
    focusOn(to, { focusVisible: true });
  });
  document.addEventListener("focusin", (event) => {
    const link = event.target instanceof Element && event.target.matches("#canvas a") && event.target;
    if (!link || !canvas.view()) return;
    const { source, port } = link.dataset;
    rove(source || link.id.slice(5));
    const spot = source && plusOf(source, port);
    if (link.matches(":focus-visible")) canvas.reveal(spot ? { x: spot.x - 12, y: spot.y - 12, w: 24, h: 24 } : box(link.id.slice(5)));
  });
  function plusOf(source, port) { // the middle of a plus, on the picture
    const { x, y } = now().outs.get(source), [dx, dy] = placeOf(byId(`plus-${source}-${port}`));
    return { x: x + dx, y: y + dy };
  }

  canvas.steps = {
    now, box, card, waysOf, below, above, placeOf, plusOf, selected, mark, sweep,
    partOf, reread, drop, shift, changed, unreach, rove: () => rove(roving), forget: () => { model = null; changed(); },
  };
  document.addEventListener("canvas:woke", woke);
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "inspector") mark(); });
})();
