// The editor's canvas: pan, zoom, minimap, keys between steps, and dropping a palette item on a plus.
// The server draws <div class="canvas-wrap"><svg class="canvas" viewBox="x y w h">; this only moves the viewBox, and finds its
// way back to the same view after htmx has swapped or morphed the picture. Without it the picture scrolls.
"use strict";
(() => {
  const LEAST = 0.2, MOST = 2, MARGIN = 40;
  const views = new Map(); // by the canvas' data-view-key: {x, y, k}: the picture's point at the top left, and the zoom
  const known = new WeakSet(), sizes = new WeakMap();
  const svgOf = (wrap) => wrap.querySelector("svg.canvas");
  const wrapOf = (target) => (target instanceof Element ? target.closest(".canvas-wrap") : null);
  const current = () => document.querySelector(".canvas-wrap:has(svg.canvas)");
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const keyOf = (wrap) => "view:" + (svgOf(wrap)?.dataset.viewKey || location.pathname);

  // The picture's own bounds, as the server said them: kept aside, since we overwrite the attribute. A morph takes our note
  // away and brings the server's viewBox back, so what is read is always the newest.
  function boundsOf(svg) {
    if (svg.dataset.bounds) return svg.dataset.bounds.split(/[ ,]+/).map(Number);
    svg.dataset.bounds = svg.getAttribute("viewBox") || "0 0 800 600";
    return boundsOf(svg);
  }
  function load(wrap) {
    const key = keyOf(wrap);
    if (!views.has(key)) {
      try { const kept = JSON.parse(sessionStorage.getItem(key)); if (kept?.k) views.set(key, kept); } catch { /* no storage: fit */ }
    }
    return views.get(key);
  }
  function show(wrap, view) {
    const svg = svgOf(wrap), { width, height } = wrap.getBoundingClientRect();
    if (!svg || !width) return;
    view.k = clamp(view.k, LEAST, MOST);
    const [bx, by, bw, bh] = boundsOf(svg), seen = { w: width / view.k, h: height / view.k };
    view.x = clamp(view.x, bx - seen.w + 80 / view.k, bx + bw - 80 / view.k); // some of the picture always stays in sight
    view.y = clamp(view.y, by - seen.h + 80 / view.k, by + bh - 80 / view.k);
    views.set(keyOf(wrap), view);
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${seen.w} ${seen.h}`);
    svg.setAttribute("preserveAspectRatio", "xMinYMin meet");
    wrap.style.setProperty("--zoom", view.k);
    wrap.style.setProperty("--pan-x", `${-view.x * view.k}px`);
    wrap.style.setProperty("--pan-y", `${-view.y * view.k}px`);
    const rect = wrap.querySelector(".mini-view");
    if (rect) for (const [name, value] of [["x", view.x], ["y", view.y], ["width", seen.w], ["height", seen.h]]) rect.setAttribute(name, value);
    const label = wrap.querySelector('[data-zoom="100"]');
    if (label) label.textContent = `${Math.round(view.k * 100)}%`;
    clearTimeout(show.later);
    show.later = setTimeout(() => { try { sessionStorage.setItem(keyOf(wrap), JSON.stringify(view)); } catch { /* fine */ } }, 300);
  }
  // Whole: everything in sight. Otherwise readable: as wide as fits, not under 60%, from the top.
  function fit(wrap, whole) {
    const svg = svgOf(wrap), { width, height } = wrap.getBoundingClientRect();
    if (!svg || !width) return;
    const [bx, by, bw, bh] = boundsOf(svg);
    const across = (width - 2 * MARGIN) / bw, down = (height - 2 * MARGIN) / bh;
    const k = whole ? clamp(Math.min(across, down), LEAST, 1) : clamp(across, 0.6, 1);
    const tall = bh * k > height - MARGIN;
    show(wrap, { k, x: bx + bw / 2 - width / k / 2, y: tall ? by - MARGIN / 2 / k : by - Math.min((height / k - bh) / 2, MARGIN / k) });
  }
  function zoom(wrap, factor, at) {
    const view = load(wrap), box = wrap.getBoundingClientRect();
    if (!view) return;
    const px = (at ? at.x : box.left + box.width / 2) - box.left, py = (at ? at.y : box.top + box.height / 2) - box.top;
    const k = clamp(view.k * factor, LEAST, MOST);
    show(wrap, { k, x: view.x + px / view.k - px / k, y: view.y + py / view.k - py / k });
  }
  function pan(wrap, dx, dy) {
    const view = load(wrap);
    if (view) show(wrap, { k: view.k, x: view.x - dx / view.k, y: view.y - dy / view.k });
  }
  function reveal(wrap, element) {
    const box = wrap.getBoundingClientRect(), it = element.getBoundingClientRect(), edge = 28;
    const dx = it.left < box.left + edge ? box.left + edge - it.left : Math.min(0, box.right - edge - it.right);
    const dy = it.top < box.top + edge ? box.top + edge - it.top : Math.min(0, box.bottom - edge - it.bottom);
    if (dx || dy) pan(wrap, dx, dy);
  }

  // --- Finding canvases, now and after each swap -------------------------------------------------------------------
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const before = sizes.get(target), width = target.clientWidth;
      sizes.set(target, width);
      if (before && before !== width) pan(target, (width - before) / 2, 0); // stay centred when a side opens
      else if (load(target)) show(target, load(target)); else fit(target);
    }
  });
  function wake() {
    document.documentElement.dataset.canvas = "live";
    for (const wrap of document.querySelectorAll(".canvas-wrap:has(svg.canvas)")) {
      const svg = svgOf(wrap), seen = load(wrap);
      boundsOf(svg);
      seen ? show(wrap, seen) : fit(wrap);
      const chosen = svg.querySelector('.step[aria-current="true"]'); // a step that was just chosen or added comes into sight
      if (chosen && seen && chosen.id !== svg.dataset.revealed) requestAnimationFrame(() => setTimeout(() => reveal(wrap, chosen), 220));
      svg.dataset.revealed = chosen?.id || "";
      if (known.has(wrap)) continue;
      known.add(wrap);
      resized.observe(wrap);
      wrap.addEventListener("wheel", (event) => {
        if (event.target.closest(".canvas-scroll")) return;
        event.preventDefault();
        if (event.ctrlKey || event.metaKey) zoom(wrap, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0075)), { x: event.clientX, y: event.clientY });
        else { const unit = event.deltaMode ? 30 : 1, side = event.shiftKey && !event.deltaX; pan(wrap, -(side ? event.deltaY : event.deltaX) * unit, side ? 0 : -event.deltaY * unit); }
      }, { passive: false });
    }
  }

  // --- Pointer: drag the ground (with touch anything), pinch, press in the minimap -----------------------------------
  const fingers = new Map();
  let moved = 0;
  function centre() {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, far: Math.hypot(a.x - b.x, a.y - b.y) };
  }
  function look(wrap, mini, event) {
    const view = load(wrap), box = wrap.getBoundingClientRect(), matrix = mini.getScreenCTM();
    if (!view || !matrix) return;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    show(wrap, { k: view.k, x: point.x - box.width / view.k / 2, y: point.y - box.height / view.k / 2 });
  }
  document.addEventListener("pointerdown", (event) => {
    moved = 0;
    const wrap = wrapOf(event.target);
    if (!wrap || !svgOf(wrap) || event.target.closest(".zoom-bar, .canvas-note")) return;
    const mini = event.target.closest(".minimap");
    const onThing = event.target.closest("a, button, input, summary");
    if (!mini && onThing && event.pointerType === "mouse" && event.button !== 1) return;
    if (event.pointerType === "mouse" && event.button > 1) return;
    if (event.button === 1) event.preventDefault();
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, wrap, mini });
    if (mini) look(wrap, mini, event);
  });
  document.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    if (!event.buttons) { finger.wrap.classList.remove("is-panning"); fingers.delete(event.pointerId); return; } // let go outside the window
    if (finger.mini) return look(finger.wrap, finger.mini, event);
    const before = fingers.size === 2 ? centre() : { ...finger };
    moved += Math.hypot(event.clientX - finger.x, event.clientY - finger.y);
    finger.x = event.clientX; finger.y = event.clientY;
    if (fingers.size === 2) {
      const now = centre();
      pan(finger.wrap, now.x - before.x, now.y - before.y);
      zoom(finger.wrap, now.far / (before.far || 1), now);
    } else if (moved > 4) {
      finger.wrap.classList.add("is-panning");
      pan(finger.wrap, finger.x - before.x, finger.y - before.y);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, (event) => {
    fingers.get(event.pointerId)?.wrap.classList.remove("is-panning");
    fingers.delete(event.pointerId);
  });
  document.addEventListener("click", (event) => { // the end of a drag is not a press
    if (moved > 8 && wrapOf(event.target)) { event.preventDefault(); event.stopPropagation(); }
    moved = 0;
    const button = event.target instanceof Element && event.target.closest("[data-zoom]"), wrap = button && (wrapOf(button) || current());
    if (!wrap) return;
    ({ in: () => zoom(wrap, 1.2), out: () => zoom(wrap, 1 / 1.2), fit: () => fit(wrap, true), 100: () => zoom(wrap, 1 / load(wrap).k) })[button.dataset.zoom]?.();
  }, true);

  // --- Keys: + - 0 zoom; arrows go between steps: data-prev/next/left/right name an id, else the nearest that way ------
  const WAYS = { ArrowUp: ["prev", 0, -1], ArrowDown: ["next", 0, 1], ArrowLeft: ["left", -1, 0], ArrowRight: ["right", 1, 0] };
  function neighbour(wrap, step, [name, dx, dy]) {
    const named = step.dataset[name] && document.getElementById(step.dataset[name]);
    if (named) return named.matches(".step") ? named : named.querySelector(".step");
    const from = step.getBoundingClientRect(), x = from.left + from.width / 2, y = from.top + from.height / 2;
    let best = null, least = Infinity;
    for (const other of wrap.querySelectorAll(".step")) {
      const box = other.getBoundingClientRect(), ox = box.left + box.width / 2 - x, oy = box.top + box.height / 2 - y;
      const along = ox * dx + oy * dy, aside = Math.abs(ox * dy) + Math.abs(oy * dx);
      if (along > 4 && along + aside * 2 < least) { least = along + aside * 2; best = other; }
    }
    return best;
  }
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, [contenteditable], dialog, .menu[open]")) return;
    const wrap = wrapOf(target) || current();
    if (!wrap) return;
    const step = target.closest(".canvas .step"), way = WAYS[event.key];
    if (step && way) { const next = neighbour(wrap, step, way); if (next) { next.focus({ preventScroll: true }); event.preventDefault(); } return; }
    const act = { "+": () => zoom(wrap, 1.2), "=": () => zoom(wrap, 1.2), "-": () => zoom(wrap, 1 / 1.2), 0: () => fit(wrap, true) }[event.key];
    if (act) { act(); event.preventDefault(); }
  });
  document.addEventListener("focusin", (event) => {
    const wrap = wrapOf(event.target);
    if (wrap && event.target.matches(".canvas :is(a, button)") && event.target.matches(":focus-visible")) reveal(wrap, event.target);
  });

  // --- Palette: drag [draggable][data-add] onto the nearest .drop[data-source][data-port][data-url] --------------------
  let dragged = null, over = null;
  function mark(drop) { over?.classList.remove("is-over"); over = drop; over?.classList.add("is-over"); }
  function nearest(event) {
    let best = null, least = 90;
    for (const drop of document.querySelectorAll(".drop[data-url]")) {
      const box = drop.getBoundingClientRect(), far = Math.hypot(box.left + box.width / 2 - event.clientX, box.top + box.height / 2 - event.clientY);
      if (box.width && far < least) { least = far; best = drop; }
    }
    return best;
  }
  document.addEventListener("dragstart", (event) => {
    const item = event.target instanceof Element && event.target.closest("[draggable=true][data-add]");
    if (!item) { if (wrapOf(event.target)) event.preventDefault(); return; } // a step is a link: it must not fly off as one
    dragged = item.dataset.add;
    event.dataTransfer.setData("text/plain", dragged);
    event.dataTransfer.effectAllowed = "copy";
    requestAnimationFrame(() => { document.documentElement.dataset.dragging = dragged; });
  });
  document.addEventListener("dragover", (event) => {
    if (!dragged) return;
    mark(nearest(event));
    if (over) { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; }
  });
  document.addEventListener("drop", (event) => {
    if (!dragged || !over) return;
    event.preventDefault();
    const { url, source, port, target } = over.dataset;
    htmx.ajax("POST", url, { source: over, ...(target ? { target } : {}), values: { type: dragged, source, port } });
  });
  document.addEventListener("dragend", () => { mark(null); dragged = null; delete document.documentElement.dataset.dragging; });

  for (const name of ["htmx:afterSwap", "htmx:oobAfterSwap", "htmx:afterSettle"]) document.addEventListener(name, wake);
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", wake) : wake();
})();
