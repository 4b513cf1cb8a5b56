// The minimap: the whole flow as small boxes, drawn when the flow changes, and a frame around what one sees, which only moves.
// Depends on js/canvas.js and js/canvas-steps.js.
"use strict";
(() => {
  const { canvas } = window.editor;
  const mapOf = () => document.querySelector(".minimap");
  let scale = 0, left = 0, top = 0, later = 0;

  function draw() {
    later ||= requestAnimationFrame(() => setTimeout(() => { later = 0; paint(); })); // after the flow itself is painted
  }
  function paint() {
    const map = mapOf(), paper = map?.querySelector("canvas");
    if (!paper?.clientWidth || !canvas.svg()) return;
    const [bx, by, bw, bh] = canvas.bounds(), { clientWidth: width, clientHeight: height } = paper;
    scale = Math.min(width / bw, height / bh, 0.12);
    left = (width - bw * scale) / 2 - bx * scale;
    top = Math.max(0, (height - bh * scale) / 2) - by * scale;
    const dots = devicePixelRatio || 1, pen = paper.getContext("2d"), style = getComputedStyle(paper);
    paper.width = width * dots; paper.height = height * dots; // clears it as well
    pen.scale(dots, dots);
    // A canvas cannot read custom properties: the colours come as colours of the element that it has no other use for.
    const colours = { "has-bad": style.outlineColor, "has-warn": style.textDecorationColor };
    const chosen = canvas.steps.selected();
    for (const { key, node, x, y, w, h } of canvas.steps.now().boxes.values()) {
      if (key.startsWith(" ")) continue;
      const state = node.querySelector(".step").classList[1];
      pen.fillStyle = key === chosen ? style.caretColor : colours[state] || style.color;
      pen.fillRect(left + x * scale, top + y * scale, Math.max(2, w * scale), Math.max(1, h * scale));
    }
    look();
  }
  function look() {
    const frame = mapOf()?.querySelector(".mini-view"), view = canvas.view(), { width, height } = canvas.size();
    if (!frame || !view || !scale) return;
    const by = scale / view.k;
    frame.style.width = `${width * by}px`;
    frame.style.height = `${height * by}px`;
    frame.style.transform = `translate(${left - view.x * by}px, ${top - view.y * by}px)`;
  }

  // A press or a drag there looks at that place.
  function go(event) {
    const box = mapOf().querySelector("canvas").getBoundingClientRect(), { k } = canvas.view(), { width, height } = canvas.size();
    const x = (event.clientX - box.left - left) / scale, y = (event.clientY - box.top - top) / scale;
    canvas.show({ k, x: width / 2 - x * k, y: height / 2 - y * k });
  }
  let held = false;
  document.addEventListener("pointerdown", (event) => {
    held = event.target instanceof Element && Boolean(event.target.closest(".minimap")) && event.button === 0 && Boolean(canvas.view());
    if (held) { event.preventDefault(); go(event); }
  });
  document.addEventListener("pointermove", (event) => { if (held && event.buttons) go(event); });
  document.addEventListener("pointerup", () => { held = false; });

  canvas.map = { draw, look };
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-theme-set]")) draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", draw);
})();
