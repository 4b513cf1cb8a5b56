// The editor's canvas: what one sees of it. Pan, zoom, fit, and gliding to a place; canvas-steps.js knows what is drawn,
// canvas-patch.js brings it up to date, canvas-drag.js moves steps, canvas-map.js is the small picture in the corner.
// One transform on the plane under the picture moves everything: a browser only has to put the same layer elsewhere. Without script the
// picture scrolls. Points of the picture: x = 0 is the middle of the trigger, y = 0 the upper edge.
"use strict";
(() => {
  const LEAST = 0.1, MOST = 2, MARGIN = 40, READABLE = 0.6;
  const LAYER = 0.5; // smaller than that so much is in sight that a layer of its own is dearer than drawing
  const wrapOf = () => document.querySelector(".canvas-wrap");
  const svgOf = () => document.getElementById("canvas");
  const planeOf = () => document.querySelector(".canvas-plane");
  const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const canvas = ((window.editor ||= {}).canvas = { wrap: wrapOf, svg: svgOf, calm });

  let view = null; // {x, y, k}: where the point (0, 0) stands in the window of the canvas, and the zoom
  let size = { width: 0, height: 0 }, frame = 0, still = 0, keep = 0;
  const boundsOf = (svg = svgOf()) => (svg?.dataset.bounds || "0 0 800 600").split(" ").map(Number);
  const keyOf = () => `view:${svgOf()?.dataset.viewKey || location.pathname}`;
  canvas.view = () => view;
  canvas.size = () => size;
  canvas.bounds = boundsOf;

  function load() {
    try { const kept = JSON.parse(sessionStorage.getItem(keyOf())); return kept?.k ? kept : null; } catch { return null; }
  }
  function save() {
    clearTimeout(keep);
    keep = setTimeout(() => { try { sessionStorage.setItem(keyOf(), JSON.stringify(view)); } catch { /* no storage: the next page fits anew */ } }, 300);
  }

  // --- Showing: at most once a frame ---------------------------------------------------------------------------------
  function show(next, gliding = false) {
    const plane = planeOf(), k = clamp(next.k, LEAST, MOST);
    if (!plane || !size.width) return;
    const [bx, by, bw, bh] = boundsOf(), edge = 80; // some of the picture always stays in sight
    view = {
      k,
      x: Math.round(clamp(next.x, edge - (bx + bw) * k, size.width - edge - bx * k)),
      y: Math.round(clamp(next.y, edge - (by + bh) * k, size.height - edge - by * k)),
    };
    plane.classList.toggle("is-gliding", gliding && !calm());
    plane.classList.toggle("is-moving", k >= LAYER);
    clearTimeout(still);
    still = setTimeout(() => plane.classList.remove("is-moving", "is-gliding"), gliding ? 320 : 180); // then it is drawn sharp again
    frame ||= requestAnimationFrame(paint);
  }
  function paint() {
    frame = 0;
    const svg = svgOf(), wrap = wrapOf();
    if (!svg) return;
    planeOf().style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.k})`;
    const ground = wrap.querySelector(".canvas-ground").style; // no style on what has an id: htmx would carry it over as an attribute
    ground.backgroundPosition = `${view.x}px ${view.y}px`;
    if (paint.k !== view.k) {
      const grid = 22 * view.k * (view.k < 0.35 ? 4 : view.k < 0.7 ? 2 : 1);
      ground.backgroundSize = `${grid}px ${grid}px`;
      wrap.querySelector('[data-zoom="100"]').textContent = `${Math.round(view.k * 100)}%`;
      svg.classList.toggle("is-far", view.k < 0.4);
      paint.k = view.k;
    }
    canvas.steps?.sweep();
    canvas.map?.look();
    save();
  }

  // --- Ways to look ---------------------------------------------------------------------------------------------------
  // Whole: everything in sight. Otherwise readable: as wide as fits, not under 60%, from the top.
  function fit(whole, gliding) {
    const [bx, by, bw, bh] = boundsOf();
    const across = (size.width - 2 * MARGIN) / bw, down = (size.height - 2 * MARGIN) / bh;
    const k = whole ? clamp(Math.min(across, down), LEAST, 1) : clamp(across, READABLE, 1);
    const isTall = bh * k > size.height - MARGIN, isWide = bw * k > size.width;
    const middle = isWide && !whole ? 0 : bx + bw / 2; // what is too wide shows the trigger
    const top = isTall ? MARGIN / 2 : Math.min((size.height - bh * k) / 2, MARGIN);
    show({ k, x: size.width / 2 - middle * k, y: top - by * k }, gliding);
  }
  function zoom(factor, at = { x: size.width / 2, y: size.height / 2 }, gliding = false) {
    const k = clamp(view.k * factor, LEAST, MOST), by = k / view.k;
    show({ k, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by }, gliding);
  }
  const pan = (dx, dy) => show({ k: view.k, x: view.x + dx, y: view.y + dy });
  // A box of the picture comes into sight; `centre` puts it in the middle when it has to move at all.
  function reveal({ x, y, w, h }, { centre = false, gliding = true } = {}) {
    if (!view) return;
    const k = centre ? Math.max(view.k, READABLE) : view.k, edge = 32;
    const left = x * k + view.x, top = y * k + view.y, right = left + w * k, bottom = top + h * k;
    const isIn = k === view.k && left >= edge && top >= edge && right <= size.width - edge && bottom <= size.height - edge;
    if (isIn) return;
    if (centre) return show({ k, x: size.width / 2 - (x + w / 2) * k, y: size.height / 2 - (y + h / 2) * k }, gliding);
    const dx = left < edge ? edge - left : Math.min(0, size.width - edge - right);
    const dy = top < edge ? edge - top : Math.min(0, size.height - edge - bottom);
    show({ k, x: view.x + dx, y: view.y + dy }, gliding);
  }
  // From a point of the window to one of the picture.
  function toPicture({ clientX, clientY }) {
    const box = wrapOf().getBoundingClientRect();
    return { x: (clientX - box.left - view.x) / view.k, y: (clientY - box.top - view.y) / view.k };
  }
  Object.assign(canvas, { show, fit, zoom, pan, reveal, toPicture });

  // --- Finding the canvas, now and after a swap -----------------------------------------------------------------------
  const known = new WeakSet();
  const resized = new ResizeObserver(([{ target }]) => {
    const before = size.width;
    size = { width: target.clientWidth, height: target.clientHeight };
    if (!size.width) return;
    if (!view) first();
    else if (before && before !== size.width) pan((size.width - before) / 2, 0); // stays centred when a side opens
    else show(view);
  });
  function first() {
    const kept = load();
    kept ? show(kept) : fit(false);
    const chosen = canvas.steps?.box(canvas.steps.selected());
    if (chosen) reveal(chosen, { centre: true, gliding: false });
  }
  function wake() {
    const svg = svgOf(), wrap = wrapOf();
    if (!svg || known.has(svg)) return;
    known.add(svg);
    document.documentElement.dataset.canvas = "live";
    svg.setAttribute("viewBox", "0 0 1 1"); // one unit is one pixel before the transform; what is drawn shows beyond the box
    paint.k = 0;
    canvas.steps?.forget();
    if (!known.has(wrap)) { known.add(wrap); resized.observe(wrap); wrap.addEventListener("wheel", wheel, { passive: false }); }
    size = { width: wrap.clientWidth, height: wrap.clientHeight };
    if (size.width) { view ? show(view) : first(); paint(); }
    document.dispatchEvent(new CustomEvent("canvas:woke"));
  }
  function wheel(event) {
    if (!view) return;
    event.preventDefault();
    const box = wrapOf().getBoundingClientRect(), unit = event.deltaMode ? 30 : 1;
    if (event.ctrlKey || event.metaKey) return zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0075)), { x: event.clientX - box.left, y: event.clientY - box.top });
    const sideways = event.shiftKey && !event.deltaX;
    pan(-(sideways ? event.deltaY : event.deltaX) * unit, sideways ? 0 : -event.deltaY * unit);
  }

  // --- Pointer: drag the ground (with touch anything), pinch -------------------------------------------------------------
  const fingers = new Map();
  let moved = 0;
  // While something is dragged all events go to one small element, with its cursor: another cursor on the canvas itself
  // would have a browser look at the style of every step.
  canvas.grab = (id) => { const grip = wrapOf().querySelector(".canvas-grip"); if (!grip.hasPointerCapture(id)) grip.setPointerCapture(id); };
  canvas.letGo = (id) => fingers.delete(id);
  canvas.swallow = (far = 99) => { moved = far; }; // the press that ends a drag is no press
  function centre() {
    const [a, b] = [...fingers.values()], box = wrapOf().getBoundingClientRect();
    return { x: (a.x + b.x) / 2 - box.left, y: (a.y + b.y) / 2 - box.top, far: Math.hypot(a.x - b.x, a.y - b.y) };
  }
  document.addEventListener("pointerdown", (event) => {
    moved = 0;
    const target = event.target instanceof Element ? event.target : null, isMouse = event.pointerType === "mouse";
    if (!view || !target?.closest(".canvas-wrap") || target.closest(".zoom-bar, .minimap")) return;
    if (isMouse && (event.button > 1 || (event.button === 0 && target.closest("a, button, .way-end")))) return;
    if (event.button === 1) event.preventDefault();
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  document.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    if (!event.buttons) return canvas.letGo(event.pointerId); // let go outside the window
    const before = fingers.size === 2 ? centre() : { ...finger };
    moved += Math.hypot(event.clientX - finger.x, event.clientY - finger.y);
    finger.x = event.clientX; finger.y = event.clientY;
    if (fingers.size === 2) {
      const now = centre();
      pan(now.x - before.x, now.y - before.y);
      zoom(now.far / (before.far || 1), now);
    } else if (moved > 4) {
      canvas.grab(event.pointerId);
      pan(finger.x - before.x, finger.y - before.y);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, (event) => canvas.letGo(event.pointerId));
  const ACTS = { in: () => zoom(1.25, undefined, true), out: () => zoom(0.8, undefined, true), fit: () => fit(true, true), 100: () => zoom(1 / view.k, undefined, true) };
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (moved > 8 && target?.closest(".canvas-wrap, .palette")) { event.preventDefault(); event.stopPropagation(); }
    moved = 0;
    if (view) ACTS[target?.closest("[data-zoom]")?.dataset.zoom]?.();
  }, true);

  // --- Keys: + - 0 ----------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (!view || !svgOf() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, [contenteditable], dialog, .menu[open]")) return;
    const act = { "+": ACTS.in, "=": ACTS.in, "-": ACTS.out, 0: ACTS.fit }[event.key];
    if (act) { act(); event.preventDefault(); }
  });

  for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(name, wake);
  document.addEventListener("DOMContentLoaded", wake); // after all scripts of the canvas
})();
