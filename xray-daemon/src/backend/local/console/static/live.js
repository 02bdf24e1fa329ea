// Live: one stream of events from the server. It says what came in; a page then prints its regions
// again, or (the list of traces) offers a button, so that nothing moves under the pointer.

import { $, load } from "./dom.js";

const main = $("main");
let stream;
let printing = false;
let due = false;

/** Prints all regions again, at most once at a time; not while somebody drags or types in one. */
async function print() {
  due = true;
  if (printing || document.hidden) return;
  if (main.matches(":has([data-live] :is(input, select):focus)")) return;
  printing = true;
  due = false;
  await load(location.href);
  printing = false;
}

function open() {
  if (stream || !main.dataset.events) return;
  stream = new EventSource(main.dataset.events);
  stream.addEventListener("changed", print);
  stream.addEventListener("intake", (event) => {
    const rate = $("#intake b");
    if (rate) rate.textContent = event.data;
  });
  stream.addEventListener("new", (event) => {
    const tail = $("#tail");
    if (!tail) return;
    tail.hidden = false;
    $("a", tail).textContent = event.data;
  });
  stream.onopen = () => document.body.classList.remove("is-lost");
  stream.onerror = () => document.body.classList.add("is-lost");
}
function close() {
  stream?.close();
  stream = undefined;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return close();
  open();
  if (due) print();
});
addEventListener("pagehide", close);
addEventListener("pageshow", open);
open();
