// Small controls: theme, time zone, copying, dialogs, fields that send their form.

import { $, isPlain, load, on } from "./dom.js";

const root = document.documentElement;
const keep = (name, value) => {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
};

// Theme: the link does the same with a reload.
on("click", "[data-theme-toggle]", (link, event) => {
  event.preventDefault();
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  keep("theme", root.dataset.theme);
});

// Times are printed by the server, in the zone that this cookie names.
const zone = String(-new Date().getTimezoneOffset());
if (root.dataset.zone !== zone) {
  keep("tz", zone);
  if (document.cookie.split("; ").includes(`tz=${zone}`)) location.reload();
}

// Links of the AWS console carry the trace in the fragment.
const deep = location.hash.match(/traces?\/(1-[0-9a-f]{8}-[0-9a-f]{24}|[0-9a-f]{32})/i);
if (deep) location.replace(`/trace/${deep[1]}`);

// Copy: the button says what it did, aloud too.
on("click", "[data-copy]", async (button) => {
  const from = button.dataset.copy ? $(button.dataset.copy) : button.previousElementSibling;
  const text = from.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is no clipboard: select the text, so that one key copies it.
    getSelection().selectAllChildren(from);
    return;
  }
  const label = $(".label", button) ?? button;
  const was = label.textContent;
  label.textContent = button.dataset.done;
  setTimeout(() => { label.textContent = was; }, 1500);
});

on("click", "[data-open]", (button) => document.getElementById(button.dataset.open).showModal());
on("click", "[data-close]", (button) => button.closest("dialog").close());
on("click", "dialog", (dialog, event) => { if (event.target === dialog) dialog.close(); });

// A link that is a switch answers to Space as well.
on("keydown", 'a[role="switch"], a[role="tab"]', (link, event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  link.click();
});

on("change", "[data-submit]", (field) => field.form.requestSubmit());

// Fields that say nothing stay out of the address.
on("submit", 'form[method="get"]', (form) => {
  for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
});
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form [name]:disabled")) field.disabled = false;
});

// Closing the panel is a link to the map without a chosen node.
on("click", "a[data-soft]", (link, event) => {
  if (!isPlain(event)) return;
  event.preventDefault();
  load(link.href, { push: true });
});
