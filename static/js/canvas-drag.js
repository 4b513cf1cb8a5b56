// Dragging on the canvas, with mouse, pen or (after a long press) a finger: a kind of step from the palette onto a way, a step
// onto another way (with Alt or Shift, and always for a split: the step with all below it), an end onto a step. Only places
// where it may go are offered. Escape, or letting go elsewhere, changes nothing.
// Depends on js/canvas.js, js/canvas-steps.js and editor.post of js/keys.js.
"use strict";
(() => {
  const { canvas } = window.editor;
  const root = document.documentElement;
  const FAR = 6, HOLD = 350, NEAR_PLUS = 80, NEAR_WAY = 16, EDGE = 44;
  let waiting = null; // pressed, and not yet known whether it becomes a drag
  let drag = null;

  const elementOf = (event) => (event.target instanceof Element ? event.target : null);
  function thingAt(target) {
    const kind = target?.closest(".palette [data-add]"), end = target?.closest("#canvas .way-end"), step = target?.closest("#canvas .step");
    if (kind) return { kind: kind.dataset.add, from: kind };
    if (end && !end.dataset.goto) return { end: true, from: end };
    if (step && step.id !== "step-trigger") return { key: step.id.slice(5), from: step };
    return null;
  }

  // --- From a press to a drag ----------------------------------------------------------------------------------------------
  document.addEventListener("pointerdown", (event) => {
    const thing = event.button === 0 && !drag && canvas.view() && thingAt(elementOf(event));
    forget();
    if (!thing) return;
    waiting = { ...thing, id: event.pointerId, x: event.clientX, y: event.clientY, touch: event.pointerType === "touch" };
    if (waiting.touch) waiting.timer = setTimeout(() => { navigator.vibrate?.(10); start(waiting.x, waiting.y); }, HOLD);
  });
  document.addEventListener("pointermove", (event) => {
    if (drag) return event.pointerId === drag.id && follow(event);
    if (!waiting || event.pointerId !== waiting.id) return;
    if (Math.hypot(event.clientX - waiting.x, event.clientY - waiting.y) < FAR) return;
    if (waiting.touch || !event.buttons) return forget(); // a finger that moves at once moves the picture
    start(event.clientX, event.clientY);
    follow(event);
  });
  document.addEventListener("pointerup", (event) => { forget(); if (drag && event.pointerId === drag.id) drop(); });
  document.addEventListener("pointercancel", () => { forget(); if (drag) stop(); });
  document.addEventListener("dragstart", (event) => { if (thingAt(elementOf(event)) || elementOf(event)?.closest(".canvas-wrap")) event.preventDefault(); }); // a link must not fly off as one
  document.addEventListener("touchmove", (event) => { if (drag) event.preventDefault(); }, { passive: false });
  document.addEventListener("contextmenu", (event) => { if (drag || waiting?.touch) event.preventDefault(); });
  document.addEventListener("keydown", (event) => {
    if (!drag) return;
    if (event.key === "Escape") { stop(); event.preventDefault(); event.stopImmediatePropagation(); }
    else if (event.key === "Alt" || event.key === "Shift") { event.preventDefault(); offer(event.altKey || event.shiftKey); }
  }, true);
  document.addEventListener("keyup", (event) => { if (drag && (event.key === "Alt" || event.key === "Shift")) offer(event.altKey || event.shiftKey); });
  addEventListener("blur", () => { forget(); if (drag) stop(); });
  function forget() { clearTimeout(waiting?.timer); waiting = null; }

  // --- While it goes on --------------------------------------------------------------------------------------------------------
  function start(x, y) {
    const { kind = "", key = "", end = false, from, id } = waiting;
    forget();
    canvas.letGo(id);
    canvas.grab(id);
    getSelection()?.removeAllRanges();
    drag = { kind, key, end, from, id, x, y, over: null, places: [], frame: 0 };
    root.dataset.dragging = kind ? "kind" : key ? "step" : "end";
    from.classList.add("is-dragged");
    drag.ghost = end ? thread() : ghost(from);
    offer(false);
    drag.frame = requestAnimationFrame(tick);
  }
  function ghost(from) {
    const it = document.createElement("div");
    it.className = "drag-ghost";
    it.dataset.family = from.dataset.family || "";
    const icon = from.querySelector(".icon-tile"), name = from.querySelector(".step-name, .pal-label");
    it.append(icon.cloneNode(true), Object.assign(document.createElement("span"), { className: "ellipsis", textContent: name.textContent }));
    it.append(Object.assign(document.createElement("span"), { className: "chip accent", hidden: true }));
    document.body.append(it);
    return it;
  }
  function thread() { // a wire from the end to the pointer
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", "link lit drag-thread");
    canvas.svg().append(path);
    return path;
  }
  function follow(event) {
    if (!event.buttons) return stop();
    drag.x = event.clientX; drag.y = event.clientY;
    if (drag.isBranch !== (event.altKey || event.shiftKey || drag.isSplit)) offer(event.altKey || event.shiftKey);
    event.preventDefault();
  }
  function tick() { // once a frame: the ghost, what is under it, and the picture moves when one comes near its edge
    if (!drag) return;
    drag.frame = requestAnimationFrame(tick);
    const { x, y, ghost: it } = drag, box = canvas.wrap().getBoundingClientRect();
    if (!drag.end) it.style.transform = `translate(${x + 14}px, ${y + 10}px)`;
    if (isOn(box)) {
      const push = (low, high) => (low < EDGE ? EDGE - low : high < EDGE ? high - EDGE : 0) / 4;
      const dx = push(x - box.left, box.right - x), dy = push(y - box.top, box.bottom - y);
      if (dx || dy) canvas.pan(dx, dy);
    }
    look(box);
  }
  const isOn = ({ left, right, top, bottom }) => drag.x > left && drag.x < right && drag.y > top && drag.y < bottom;
  function look(box = canvas.wrap().getBoundingClientRect()) { // what is under the pointer now
    const at = canvas.toPicture({ clientX: drag.x, clientY: drag.y });
    if (drag.end) draw(at);
    over(isOn(box) ? (drag.end ? stepAt(at) : wayAt(at)) : null);
  }
  function draw(at) {
    const { x, y } = drag.begin, bend = y + Math.max(18, (at.y - y) / 2);
    drag.ghost.setAttribute("d", `M${x} ${y}C${x} ${bend} ${at.x} ${at.y - Math.max(18, (at.y - y) / 2)} ${at.x} ${at.y}`);
  }
  function over(place) {
    if (drag.over === place) return;
    drag.over?.mark.classList.remove("is-over");
    drag.over?.path?.classList.remove("is-over");
    drag.over = place;
    place?.mark.classList.add("is-over");
    place?.path?.classList.add("is-over");
  }

  // --- Where it may go ------------------------------------------------------------------------------------------------------------
  function offer(withAlt) {
    const { steps } = canvas, { outs, boxes } = steps.now();
    if (drag.end) return offerSteps();
    const mine = drag.key ? steps.waysOf(drag.key) : [];
    drag.isSplit = mine.length > 1;
    drag.isBranch = Boolean(drag.key) && (withAlt || drag.isSplit);
    const under = drag.isBranch ? steps.below(drag.key) : new Set();
    over(null);
    drag.places = [];
    for (const [source, { x, y, ways }] of outs) for (const way of ways) {
      const isOpen = source !== drag.key && !under.has(source) && (!drag.key || way.target !== drag.key);
      const mark = document.getElementById(`plus-${source}-${way.port}`);
      mark.classList.toggle("is-no", !isOpen);
      if (isOpen) drag.places.push({ ...steps.plusOf(source, way.port), way, mark, path: way.path, from: { x, y }, line: null });
    }
    for (const key of boxes.keys()) boxes.get(key).node.classList.toggle("is-carried", drag.isBranch && under.has(key));
    const chip = drag.ghost.querySelector(".chip");
    chip.hidden = !under.size;
    chip.textContent = `+ ${under.size}`;
  }
  function offerSteps() {
    const { steps } = canvas, { boxes, outs } = steps.now(), source = drag.from.closest(".out").id.slice(4), { port } = drag.from.dataset;
    const { x, y } = outs.get(source), [dx, dy] = steps.placeOf(drag.from), not = steps.above(source);
    Object.assign(drag, { source, port, begin: { x: x + dx, y: y + dy + 24 } });
    drag.places = [];
    for (const one of boxes.values()) {
      const step = steps.card(one.key), isOpen = step && one.key !== "trigger" && one.key !== source && !not.has(one.key);
      if (isOpen) drag.places.push({ ...one, mark: step });
      else step?.classList.add("is-no");
    }
  }
  const stepAt = ({ x, y }) => drag.places.find((it) => x > it.x - 12 && x < it.x + it.w + 12 && y > it.y - 12 && y < it.y + it.h + 12) || null;
  function wayAt(at) { // the wire right under it, else the nearest plus
    const { k } = canvas.view();
    let best = null, least = NEAR_PLUS / k;
    for (const place of drag.places) {
      const far = Math.hypot(place.x - at.x, place.y - at.y);
      if (far < least) { least = far; best = place; }
    }
    if (least < 24 / k) return best;
    for (const place of drag.places) if (distance(place, at) < NEAR_WAY / k) return place;
    return best;
  }
  function distance(place, { x, y }) { // to the wire, corner by corner
    const line = (place.line ||= corners(place));
    let least = Infinity;
    for (let i = 1; i < line.length; i++) {
      const [ax, ay] = line[i - 1], [bx, by] = line[i];
      const dx = Math.max(Math.min(ax, bx) - x, 0, x - Math.max(ax, bx)), dy = Math.max(Math.min(ay, by) - y, 0, y - Math.max(ay, by));
      least = Math.min(least, Math.hypot(dx, dy));
    }
    return least;
  }
  function corners({ path, from: { x, y } }) { // the server's own commands: M V Q H Q V ...
    const line = [];
    let px = 0, py = 0;
    for (const [, letter, rest] of path.getAttribute("d").matchAll(/([MVHQ])([^MVHQ]*)/g)) {
      const n = rest.trim().split(" ").map(Number);
      if (letter === "V") [py] = n;
      else if (letter === "H") [px] = n;
      else [px, py] = n.slice(-2);
      line.push([x + px, y + py]);
    }
    return line;
  }

  // --- The end --------------------------------------------------------------------------------------------------------------------
  function drop() {
    look();
    const { kind, key, end, over: place, source, port, isBranch } = drag;
    stop();
    canvas.swallow(); // the press that ends a drag opens nothing
    setTimeout(() => canvas.swallow(0), 0);
    if (!place) return;
    const { editor } = window;
    if (end) return editor.post("connect/", { source, port, target: place.key });
    const { way } = place;
    if (kind) return editor.post("steps/add/", { type: kind, source: way.source, port: way.port });
    editor.post(`steps/${encodeURIComponent(key)}/move/`, { to: `${way.source}:${way.port}`, what: isBranch ? "branch" : "step" });
  }
  function stop() {
    over(null);
    cancelAnimationFrame(drag.frame);
    drag.ghost.remove();
    drag.from.classList.remove("is-dragged");
    drag = null;
    delete root.dataset.dragging;
    for (const it of document.querySelectorAll("#canvas .is-no, #canvas .is-carried")) it.classList.remove("is-no", "is-carried");
  }
})();
