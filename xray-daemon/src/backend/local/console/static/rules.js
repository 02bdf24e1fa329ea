// The editor of a sampling rule says at once what its numbers would do; Undo brings the old ones back.

import { $, on } from "./dom.js";

const number = new Intl.NumberFormat(document.documentElement.lang);
const PERIOD_S = 900;

function show(form) {
  const effect = $("[data-requests]", form);
  if (!effect) return;
  const requests = Number(effect.dataset.requests);
  const value = (name) => Number(form.elements[name].value.replace(",", "."));
  const reserved = Math.min(requests, value("reservoir") * PERIOD_S);
  const sampled = Math.round(reserved + ((requests - reserved) * value("rate")) / 100);
  if (!(sampled >= 0 && sampled <= requests)) return;
  const text = $("[data-pattern]", effect);
  text.textContent = text.dataset.pattern.replace("{0}", number.format(sampled)).replace("{1}", number.format(requests));
  $(".fill", effect).setAttribute("width", (sampled / requests) * 320);
}

on("input", "[data-rule-form]", show);
on("reset", "[data-rule-form]", (form) => setTimeout(() => show(form)));
