// Brings the canvas up to date after an act. The server says which groups are new or changed, which are gone, and which
// only moved, and by how much (flowbuilder/editor/canvas.py); all else stays as it is, so a thousand steps cost no more than
// those that changed. A picture of another revision than the one that the patch starts from is asked for anew as a whole.
// Depends on js/canvas.js and js/canvas-steps.js.
"use strict";
(() => {
  const { canvas } = window.editor;
  const byId = (id) => document.getElementById(id);
  const LAYERS = { node: "nodes", out: "wires" };
  const MOST_ANIMATED = 60; // more than that at once is no longer a motion that anybody follows

  function apply(patch) {
    const svg = canvas.svg(), { steps } = canvas, { gone, moves, order, bounds } = JSON.parse(patch.dataset.plan);
    const focus = holdFocus(svg), moved = [], arrived = [];
    for (const key of gone) {
      for (const layer in LAYERS) byId(`${layer}-${key}`)?.remove();
      steps.drop(key);
    }
    for (const group of [...patch.children]) {
      const old = byId(group.id), layer = group.classList[0];
      steps.unreach(group);
      if (old) {
        const { x, y, isAway } = steps.partOf(layer, group.id.slice(layer.length + 1));
        group.classList.toggle("is-away", isAway);
        Idiomorph.morph(old, group);
        moved.push({ it: steps.reread(old), x, y });
      } else {
        byId(LAYERS[layer]).append(group);
        steps.reread(group);
        arrived.push(group);
      }
    }
    for (const [dx, dy, both, nodes, outs] of moves) {
      for (const key of both) moved.push(steps.shift("node", key, dx, dy), steps.shift("out", key, dx, dy));
      for (const key of nodes) moved.push(steps.shift("node", key, dx, dy));
      for (const key of outs) moved.push(steps.shift("out", key, dx, dy));
    }
    for (const [key, after] of order) {
      const layer = byId("nodes"), node = byId(`node-${key}`), next = after ? byId(`node-${after}`).nextElementSibling : layer.firstElementChild;
      if (node !== next) layer.insertBefore(node, next);
    }
    svg.dataset.bounds = bounds.join(" ");
    svg.dataset.revision = patch.dataset.revision;
    steps.changed();
    steps.rove();
    giveFocus(focus);
    animate(moved, arrived);
    if (canvas.view()) steps.sweep();
  }

  // --- Focus: on the same step or plus; where it is gone, focus.js finds a neighbour ----------------------------------------
  function holdFocus(svg) {
    const active = document.activeElement;
    return svg.contains(active) ? { active, id: active.id || active.closest("[id]").id } : null;
  }
  function giveFocus(held) {
    if (!held || document.activeElement === held.active) return;
    const it = byId(held.id);
    (it?.matches("a") ? it : it?.querySelector("a"))?.focus({ preventScroll: true });
  }

  // --- Motion: of what one sees, before and after -------------------------------------------------------------------------
  function animate(moved, arrived) {
    if (canvas.calm() || !canvas.view()) return;
    const { x, y, k } = canvas.view(), { width, height } = canvas.size(), room = 200;
    const sees = (at) => at.y * k + y > -room && at.y * k + y < height + room && at.x * k + x > -room - 256 * k && at.x * k + x < width + room;
    const seen = moved.filter((one) => one && (one.x !== one.it.x || one.y !== one.it.y) && (sees(one) || sees(one.it)) && !one.it.isAway);
    const timing = { duration: 220, easing: "cubic-bezier(.2, .7, .3, 1)" }, css = (at) => `translate(${at.x}px, ${at.y}px)`;
    if (seen.length <= MOST_ANIMATED) for (const one of seen) (one.it.node || one.it.out).animate([{ transform: css(one) }, { transform: css(one.it) }], timing);
    for (const group of arrived) {
      group.animate([{ opacity: 0 }, { opacity: 0, offset: 0.35 }, { opacity: 1 }], { duration: 260 });
      const step = group.querySelector(".step");
      if (!step) continue;
      step.classList.add("is-new");
      setTimeout(() => step.classList.remove("is-new"), 900);
    }
  }

  // --- When a patch comes -----------------------------------------------------------------------------------------------------
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.id !== "canvas-patch") return;
    event.detail.shouldSwap = false;
    const patch = event.detail.fragment.firstElementChild || event.detail.fragment, svg = canvas.svg();
    if (svg.dataset.revision === patch.dataset.base) apply(patch);
    else if (svg.dataset.revision !== patch.dataset.revision) whole();
  });
  function whole() {
    const url = new URL(location.href);
    url.searchParams.set("part", "canvas");
    htmx.ajax("GET", url.pathname + url.search, { source: "#main", target: "#main", swap: "outerHTML" });
  }
})();
