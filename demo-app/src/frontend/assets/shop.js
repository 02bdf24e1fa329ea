// Makes the shop's pages livelier. They work without it: every view is a link, every change a form.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (type, selector, act) =>
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) act(element, event);
  });

/** How often an open page asks for what is new, in milliseconds. */
const EVERY = { drawing: 2000, inserting: 500, tour: 2000 };

// Times of day come as UTC; the reader has a clock of their own.
function localise(root = document) {
  for (const time of $$("time[data-clock]", root)) {
    const at = new Date(time.dateTime);
    const two = (number) => String(number).padStart(2, "0");
    time.textContent = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  }
}

// Theme: the system's, until somebody chooses. The server renders it from the cookie.
on("submit", 'form[action="/theme"]', (form, event) => {
  event.preventDefault();
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
});

// Copy: the button says what it did, aloud too.
on("click", "[data-copy]", async (button) => {
  const from = button.dataset.copy ? $(button.dataset.copy) : button.previousElementSibling;
  const text = from.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission, or over plain HTTP from another machine: select it instead.
    getSelection().selectAllChildren(from);
    return;
  }
  const label = $(".label", button) || button;
  const was = label.dataset.was || label.textContent;
  label.dataset.was = was;
  label.textContent = button.dataset.done;
  setTimeout(() => { label.textContent = was; }, 1500);
});

// The workshop notes that somebody followed the link to a trace.
on("click", "[data-opens-trace]", (link) => {
  navigator.sendBeacon("/tour/opened", new URLSearchParams({ id: link.dataset.opensTrace }));
});

// --- Changes without losing the place ------------------------------------------------------

/** Something that the element is known by on the next page as well. */
function known(element) {
  const id = element?.id;
  if (id) return `#${CSS.escape(id)}`;
  const described = element?.getAttribute?.("aria-describedby");
  return described ? `[aria-describedby="${CSS.escape(described)}"]` : null;
}

/** Puts a page that was fetched in place of this one. */
async function show(response) {
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  const main = $("main", next);
  if (!main) return location.assign(response.url);
  const focused = known(document.activeElement);
  const samePage = document.body.className === next.body.className;
  const scrolled = scrollY;
  document.title = next.title;
  document.body.className = next.body.className;
  $("header.head").replaceWith($("header.head", next));
  $("main").replaceWith(main);
  const [bar, nextBar] = [$("footer.last"), $("footer.last", next)];
  // The bar stays and changes inside, so that a screen reader says what changed.
  if (bar && nextBar) $(".wrap", bar).replaceChildren(...$(".wrap", nextBar).childNodes);
  else if (bar) bar.remove();
  else if (nextBar) main.after(nextBar);
  localise();
  scrollTo(0, samePage ? scrolled : 0);
  const target = $("main [autofocus]") || (samePage && focused && $(focused)) || (samePage && $("footer.last form button"));
  if (target) target.focus({ preventScroll: samePage });
}

let changing = false;
async function change(url, options) {
  if (changing) return;
  changing = true;
  try {
    const response = await fetch(url, options);
    await show(response);
    const here = response.redirected || !options ? response.url : location.href;
    history.pushState(null, "", here);
  } catch {
    // The shop is gone, or ends: let the browser say so. Nothing is sent twice.
    location.reload();
  } finally {
    changing = false;
  }
}

on("submit", 'form[action^="/products"], form[action="/tour/skip"], form[action="/tour/answer"], form[action="/tour/filter"]', (form, event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  change(form.action, { method: "POST", body });
});
on("click", "a[data-swap], a[data-cancel]", (link, event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  change(link.href);
});
addEventListener("popstate", () => location.reload());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") $("[data-cancel]")?.click();
});

// --- What is new --------------------------------------------------------------------------

async function text(path) {
  const response = await fetch(path);
  return response.ok ? response.text() : null;
}

/** Runs `ask` again and again while the page can be seen; a shop that is gone is asked again. */
function keep(every, ask) {
  const next = async () => {
    if (!document.hidden && !changing) await ask().catch(() => {});
    setTimeout(next, every);
  };
  setTimeout(next, every);
}

keep(EVERY.drawing, async () => {
  const panel = $('[data-live="/architecture"]');
  if (!panel) return;
  const html = await text("/architecture");
  if (html && panel.isConnected) panel.innerHTML = html;
});

keep(EVERY.inserting, async () => {
  const running = $('[data-live="/bulk"][data-running]');
  if (!running) return;
  const html = await text("/bulk");
  if (!html || !running.isConnected) return;
  const next = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  if (next.hasAttribute("data-running")) {
    $(".progress", running).replaceChildren(...$(".progress", next).childNodes);
  } else {
    // Done: the list has new rows.
    await show(await fetch(location.href));
  }
});

keep(EVERY.tour, async () => {
  const tour = $("[data-tour]");
  if (!tour) return;
  const now = await text("/tour/checks");
  if (now && now !== tour.dataset.tour && tour.isConnected && !changing) await show(await fetch("/tour"));
});

localise();
