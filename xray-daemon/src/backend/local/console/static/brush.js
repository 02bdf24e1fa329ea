// A range on a histogram: drag, or arrow keys (with Shift they widen). On release the page asks the
// server for that range.

import { $, $$, load, onContent } from "./dom.js";

function arm(box) {
  const svg = $("svg", box);
  const width = svg.viewBox.baseVal.width;
  const end = Number(box.dataset.end);
  const [band, grip] = [$(".brush", svg), $(".grip", svg)];
  const handles = $$(".grip-handle", svg);
  const bins = $$(".bin", svg);
  const [y0, y1] = [band.y.baseVal.value, band.y.baseVal.value + band.height.baseVal.value];
  let [from, to] = [band.x.baseVal.value, band.x.baseVal.value + band.width.baseVal.value];
  let waiting;

  const draw = (a, b) => {
    [from, to] = [Math.max(0, Math.min(a, b)), Math.min(width, Math.max(a, b))];
    band.setAttribute("x", from);
    band.setAttribute("width", to - from);
    grip.setAttribute("d", `M${from} ${y0}V${y1}M${to} ${y0}V${y1}`);
    handles.forEach((handle, i) => handle.setAttribute("x", (i ? to : from) - 2.5));
    for (const part of [band, grip, ...handles]) part.toggleAttribute("hidden", to - from < 1);
    for (const bin of bins) {
      const middle = bin.x.baseVal.value + bin.width.baseVal.value / 2;
      bin.classList.toggle("in", middle >= from && middle <= to);
    }
  };
  const ask = () => {
    if (to - from < 2) return;
    const seconds = (x) => Number(((x / width) * end).toPrecision(4));
    const url = box.dataset.href.replace("RANGE", `${seconds(from)}-${seconds(to)}`);
    if (box.dataset.brush === "soft") load(url, { push: true });
    else location.assign(url);
  };
  const at = (event) => ((event.clientX - svg.getBoundingClientRect().left) / svg.clientWidth) * width;

  box.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const x = at(event);
    // Near an end that end moves; elsewhere a new range begins.
    const near = (edge) => to - from >= 1 && Math.abs(x - edge) < 6;
    const fixed = near(from) ? to : near(to) ? from : x;
    box.setPointerCapture(event.pointerId);
    box.onpointermove = (move) => draw(fixed, at(move));
    box.onpointerup = () => {
      box.onpointermove = box.onpointerup = null;
      ask();
    };
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const by = (step * width) / 40;
    if (to - from < 1) draw(width / 2, width);
    else if (event.shiftKey) draw(from, Math.max(from + width / 40, to + by));
    else if (from + by >= 0 && to + by <= width + 0.1) draw(from + by, to + by);
    clearTimeout(waiting);
    waiting = setTimeout(ask, 500);
  });
}

onContent((root) => {
  const boxes = $$("[data-brush]", root);
  if (root.matches?.("[data-brush]")) boxes.push(root);
  boxes.forEach(arm);
});
