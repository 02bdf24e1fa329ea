// The timeline: a treegrid. Rows carry aria-level; a closed row hides what is deeper. One row is in
// the tab order; arrows or j and k move, left and right fold. The details of the chosen row come
// from the server.

import { $, $$, isPlain, load, on } from "./dom.js";

const level = (row) => Number(row.getAttribute("aria-level"));
const gridOf = (row) => row.closest("[role=treegrid]");

function redraw(grid) {
  let closed = Infinity;
  for (const row of $$("tbody tr", grid)) {
    const depth = level(row);
    if (depth <= closed) closed = Infinity;
    row.hidden = depth > closed;
    if (!row.hidden && row.getAttribute("aria-expanded") === "false") closed = depth;
  }
  const rows = $$("tbody tr:not([hidden])", grid);
  if (!rows.some((row) => row.tabIndex === 0) && rows[0]) rows[0].tabIndex = 0;
}

function fold(row, open) {
  if (!row.hasAttribute("aria-expanded")) return false;
  if (row.getAttribute("aria-expanded") === String(open)) return false;
  row.setAttribute("aria-expanded", open);
  redraw(gridOf(row));
  return true;
}

/** Opens whatever hides `row`. */
function reveal(row) {
  let depth = level(row);
  for (let above = row.previousElementSibling; above; above = above.previousElementSibling) {
    if (level(above) >= depth) continue;
    depth = level(above);
    above.setAttribute("aria-expanded", "true");
  }
  redraw(gridOf(row));
}

let waiting;
function choose(row, { focus = true } = {}) {
  for (const other of $$("tbody tr", gridOf(row))) {
    if (other === row || other.getAttribute("aria-selected") === "true" || other.tabIndex === 0) {
      other.setAttribute("aria-selected", other === row);
      other.tabIndex = other === row ? 0 : -1;
    }
  }
  if (focus) row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  const link = $("a.nm", row);
  if (!link) return;
  // Who runs through the rows with a key held down asks for one answer, not for all.
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    history.replaceState(null, "", link.href);
    load(link.href, { only: "#detail" });
  }, 60);
}

on("click", "[data-fold]", (button) => {
  const row = button.closest("tr");
  fold(row, row.getAttribute("aria-expanded") !== "true");
});
on("click", "[data-fold-all]", (button) => {
  const grid = $("[role=treegrid]");
  for (const row of $$("tr[aria-expanded]", grid)) row.setAttribute("aria-expanded", button.dataset.foldAll === "open");
  redraw(grid);
});
on("click", "[role=treegrid] tbody tr", (row, event) => {
  if (event.target.closest("[data-fold]") || !isPlain(event)) return;
  event.preventDefault();
  choose(row);
});
on("keydown", "[role=treegrid] tbody tr", (row, event) => {
  const rows = $$("tbody tr:not([hidden])", gridOf(row));
  const at = rows.indexOf(row);
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  const parent = () => rows.slice(0, at).findLast((other) => level(other) < level(row));
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (step) rows[at + step] && choose(rows[at + step]);
  else if (event.key === "Home") choose(rows[0]);
  else if (event.key === "End") choose(rows.at(-1));
  else if (event.key === "ArrowLeft") fold(row, false) || (parent() && choose(parent()));
  else if (event.key === "ArrowRight") fold(row, true);
  else return;
  event.preventDefault();
});

// A link to a row of this trace: root cause, segment, parent.
on("click", "a[data-row]", (link, event) => {
  const row = document.getElementById(link.dataset.row);
  if (!row || !isPlain(event)) return;
  event.preventDefault();
  reveal(row);
  choose(row);
});

// Find: what does not match steps back; Enter goes from match to match.
function matches(grid, wanted) {
  return $$("tbody tr", grid).filter((row) => wanted && $(".tree", row).textContent.toLowerCase().includes(wanted));
}
on("input", "[data-find]", (field) => {
  const grid = $("[role=treegrid]");
  const wanted = field.value.trim().toLowerCase();
  const found = matches(grid, wanted);
  for (const row of $$("tbody tr", grid)) row.classList.toggle("faint", wanted !== "" && !found.includes(row));
  const note = $("#found");
  note.textContent = wanted ? note.dataset.pattern.replace("{0}", found.length) : "";
});
on("keydown", "[data-find]", (field, event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const found = matches($("[role=treegrid]"), field.value.trim().toLowerCase());
  if (!found.length) return;
  const now = found.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = found[(now + (event.shiftKey ? -1 : 1) + found.length) % found.length];
  reveal(next);
  choose(next, { focus: false });
});
