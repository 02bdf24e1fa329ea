// The filter: colours behind the field, a wavy line under what is wrong, completions from the
// server, which knows keywords, services and annotation keys.

import { $, $$ } from "./dom.js";

const WORDS = /"(?:\\.|[^"\\])*"?|[A-Za-z_][A-Za-z0-9_]*|\d+(?:\.\d+)?|\s+|[<>!]?=|./gsu;
const OPERATORS = /^(?:AND|OR|CONTAINS|BEGINSWITH|ENDSWITH)$/i;
const KEYS = new Set("service edge annotation source destination group rootcause user http ok error fault throttle partial inferred root remote responsetime duration coverage availabilityzone instance resource name type message id account first last index true false".split(" "));

/** Coloured pieces of `text`; those that touch [from, to) are marked as wrong. */
function pieces(text, from, to) {
  const out = document.createDocumentFragment();
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    const span = document.createElement("span");
    span.textContent = word;
    const wrong = index < to && index + word.length > from;
    if (wrong && word.trim()) span.className = "bad";
    else if (word[0] === '"') span.className = "ts";
    else if (/^\d/.test(word)) span.className = "tn";
    else if (OPERATORS.test(word)) span.className = "op";
    else if (KEYS.has(word.toLowerCase())) span.className = "tk";
    else span.className = "tp";
    out.append(span);
  }
  return out;
}

for (const box of $$(".query")) {
  const field = $(".query-input", box);
  const mirror = $(".query-mirror", box);
  const pop = $(".complete", box);
  const list = $("[role=listbox]", box);
  const asked = field.value;
  let chosen = -1;
  let turn = 0;
  let place = [0, 0];

  const draw = () => {
    const same = field.value === asked && box.dataset.badStart;
    const [from, to] = same ? [Number(box.dataset.badStart), Number(box.dataset.badEnd)] : [-1, -1];
    mirror.replaceChildren(pieces(field.value, from, to));
    mirror.scrollLeft = field.scrollLeft;
    box.classList.toggle("invalid", Boolean(same));
  };
  const show = (yes) => {
    pop.hidden = !yes;
    field.setAttribute("aria-expanded", yes);
    if (!yes) { chosen = -1; field.removeAttribute("aria-activedescendant"); }
  };
  const mark = (to) => {
    const options = [...list.children];
    chosen = options.length ? (to + options.length) % options.length : -1;
    options.forEach((option, i) => option.setAttribute("aria-selected", i === chosen));
    if (chosen < 0) return;
    field.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  };
  const take = (option) => {
    const insert = option.dataset.insert;
    const stop = insert.indexOf("\u2026"); // where the cursor goes
    const text = insert.replace("\u2026", "");
    field.setRangeText(text, place[0], place[1], "end");
    if (stop >= 0) field.setSelectionRange(place[0] + stop, place[0] + stop);
    field.focus();
    draw();
    ask();
  };
  const ask = async () => {
    const now = ++turn;
    const about = new URLSearchParams({ text: field.value, at: field.selectionStart });
    let answer;
    try {
      answer = await (await fetch(`/complete?${about}`)).json();
    } catch {
      return;
    }
    if (now !== turn || document.activeElement !== field) return;
    place = [answer.from, answer.to];
    list.replaceChildren(...answer.items.map((item, i) => {
      const option = document.createElement("div");
      option.className = "pop-item";
      option.id = `completion-${i}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.insert = item.insert;
      const code = document.createElement("code");
      code.append(pieces(item.insert, -1, -1));
      const hint = document.createElement("span");
      hint.className = "mute";
      hint.textContent = item.hint;
      option.append(code, hint);
      return option;
    }));
    chosen = -1;
    show(answer.items.length > 0);
  };

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-controls", "completions");
  field.setAttribute("aria-autocomplete", "list");
  show(false);
  field.addEventListener("input", () => { draw(); ask(); });
  field.addEventListener("scroll", draw);
  field.addEventListener("focus", ask);
  field.addEventListener("click", ask);
  field.addEventListener("blur", () => show(false));
  field.addEventListener("keyup", (event) => { if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) ask(); });
  field.addEventListener("keydown", (event) => {
    if (pop.hidden) return;
    if (event.key === "ArrowDown") mark(chosen + 1);
    else if (event.key === "ArrowUp") mark(chosen - 1);
    else if (event.key === "Escape") show(false);
    else if (event.key === "Tab" && !event.shiftKey && (chosen >= 0 || list.children.length)) take(list.children[Math.max(chosen, 0)]);
    else if (event.key === "Enter" && chosen >= 0) take(list.children[chosen]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    take(option);
  });
  draw();
}
