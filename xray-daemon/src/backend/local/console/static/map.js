// The map: zoom, fit, and dragging the ground. A node or edge opens its panel without leaving the
// page. Zoom survives what live updates print again.

import { $, isPlain, load, on, onContent } from "./dom.js";

let scale = 1;
const graph = () => $(".graph-wide");

function apply() {
  const svg = graph();
  if (!svg) return;
  svg.style.width = scale === 1 ? "" : `${scale * 100}%`;
  svg.style.height = scale === 1 ? "" : `${scale * 100}%`;
}
function zoom(to) {
  const canvas = $(".canvas");
  const before = scale;
  scale = Math.min(4, Math.max(0.4, to));
  const [x, y] = [canvas.scrollLeft + canvas.clientWidth / 2, canvas.scrollTop + canvas.clientHeight / 2];
  apply();
  canvas.scrollTo((x * scale) / before - canvas.clientWidth / 2, (y * scale) / before - canvas.clientHeight / 2);
}

on("click", "[data-zoom]", (button) => {
  if (button.dataset.zoom === "fit") zoom(1);
  else zoom(scale * (button.dataset.zoom === "in" ? 1.25 : 0.8));
});

on("click", ".graph a", (link, event) => {
  if (!isPlain(event)) return;
  event.preventDefault();
  load(link.getAttribute("href"), { push: true });
});

onContent((root) => {
  const canvas = root.matches?.(".canvas") ? root : $(".canvas", root);
  if (!canvas) return;
  apply();
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(scale * (event.deltaY < 0 ? 1.1 : 0.9));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (down) => {
    if (down.button || down.target.closest("a") || down.pointerType !== "mouse") return;
    const from = [down.clientX + canvas.scrollLeft, down.clientY + canvas.scrollTop];
    canvas.setPointerCapture(down.pointerId);
    canvas.onpointermove = (move) => canvas.scrollTo(from[0] - move.clientX, from[1] - move.clientY);
    canvas.onpointerup = () => { canvas.onpointermove = null; };
  });
});
