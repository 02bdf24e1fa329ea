// Tabs: each is a link that the server answers too; here all panels are there already.

import { $$, isPlain, on } from "./dom.js";

const all = (tab) => $$('[role="tab"]', tab.parentElement);

function pick(tab) {
  for (const other of all(tab)) {
    other.setAttribute("aria-selected", other === tab);
    other.tabIndex = other === tab ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
  }
  history.replaceState(null, "", tab.href);
}

on("click", '[role="tab"]', (tab, event) => {
  if (!isPlain(event)) return;
  event.preventDefault();
  pick(tab);
});

on("keydown", '[role="tab"]', (tab, event) => {
  const tabs = all(tab);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const to = { Home: tabs[0], End: tabs.at(-1) }[event.key] ?? (step && tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]);
  if (!to) return;
  event.preventDefault();
  pick(to);
  to.focus();
});

// "3 frames" leads to the tab that shows them.
on("click", "a[data-tab]", (link, event) => {
  const tab = document.getElementById(link.dataset.tab);
  if (!tab || !isPlain(event)) return;
  event.preventDefault();
  pick(tab);
  tab.focus();
});
