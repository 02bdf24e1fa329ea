// Keys, off in fields: / filter, g then m t s d, j k rows, ? this list, and whatever an element
// claims by data-key (l live, y copy, c compare).

import { $, $$ } from "./dom.js";

let lead = "";

function step(by) {
  const grid = $("[role=treegrid]");
  const rows = grid ? $$("tbody tr:not([hidden])", grid) : $$(".row-link");
  if (!rows.length) return;
  const at = rows.findIndex((row) => row === document.activeElement || (grid && row.tabIndex === 0));
  const to = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  if (grid) to.click();
  else to.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.matches?.("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if ($("dialog[open]")) return;
  const went = lead === "g" && $(`[data-go="${CSS.escape(event.key)}"]`);
  const claimed = $(`[data-key="${CSS.escape(event.key)}"]`);
  if (went) went.click();
  else if (event.key === "/" && $(".query-input, [data-find]")) {
    event.preventDefault();
    $(".query-input, [data-find]").select();
  } else if (event.key === "?") $("#keys").showModal();
  else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
  else if (claimed && lead !== "g") claimed.click();
  lead = event.key === "g" ? "g" : "";
});
