// Shared by all modules: finding elements, listening by delegation, regions that the server
// prints again. Regions are elements with an id and data-live: a page is fetched, and each region
// in it takes the place of the one here. So there is one source of HTML, the templates.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Calls `run(element, event)` for events on whatever matches `selector`, now or later. */
export const on = (type, selector, run) =>
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) run(element, event);
  });

const hooks = [];
/** Calls `run(root)` for the page, and for every region that comes in later. */
export const onContent = (run) => {
  hooks.push(run);
  run(document);
};

/** A click that the browser should handle itself: new tab, download, other button. */
export const isPlain = (event) =>
  !(event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

let latest = 0;
/**
 * Fetches `url` and puts its regions in place; `only` is a selector that limits them.
 * With `push` the address follows. A page of another kind is loaded as a whole.
 */
export async function load(url, { push = false, only = "[data-live]" } = {}) {
  const turn = ++latest;
  let page;
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return false; // The daemon is gone; live.js says so when its events stop.
  }
  if (turn !== latest) return false;
  if (page.body.className.replace(/ is-\S+/g, "") !== document.body.className.replace(/ is-\S+/g, "")) {
    location.assign(url);
    return false;
  }
  const focused = document.activeElement;
  const way = focused?.id ? `#${CSS.escape(focused.id)}` : focused?.getAttribute?.("href") && `a[href="${CSS.escape(focused.getAttribute("href"))}"]`;
  for (const old of $$(only)) {
    const fresh = old.id && page.getElementById(old.id);
    if (!fresh) continue;
    const held = old.contains(focused) && way;
    const [left, top] = [old.scrollLeft, old.scrollTop];
    old.replaceWith(fresh);
    fresh.scrollTo(left, top);
    if (held) $(way, fresh)?.focus({ preventScroll: true });
    for (const run of hooks) run(fresh);
  }
  if (push) {
    history.pushState(null, "", url);
    document.title = page.title;
  }
  return true;
}

addEventListener("popstate", () => location.reload());
