// A real Chromium, and pages that note whatever goes wrong on them.
//
// Facts only: what they must be is for the test that runs a script.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE_MS = 30_000;
/** axe-core's own names for WCAG 2.2 AA and its best practices. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const DESK = { viewport: { width: 1440, height: 900 }, colorScheme: "light" };
export const DARK = { ...DESK, colorScheme: "dark" };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "light" };
export const PHONE_DARK = { ...PHONE, colorScheme: "dark" };

export class Browser {
  /** What went wrong: in the console, on a page, in an answer, with a rule, sideways; what left. */
  seen = { problems: [], foreign: [], findings: [], overflow: [] };

  static async start(executablePath, pictures) {
    const browser = new Browser();
    mkdirSync(pictures, { recursive: true });
    browser.pictures = pictures;
    browser.chromium = await chromium.launch({
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    return browser;
  }

  /** A page of a visitor of its own. */
  async open(options) {
    const { problems, foreign } = this.seen;
    const context = await this.chromium.newContext({ locale: "en-GB", ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) {
        problems.push(`console ${message.type()}: ${message.text()} at ${page.url()}`);
      }
    });
    page.on("pageerror", (error) => problems.push(`page error: ${error.message} at ${page.url()}`));
    page.on("dialog", (dialog) => {
      problems.push(`dialog: ${dialog.message()} at ${page.url()}`);
      dialog.dismiss();
    });
    page.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      const here = ["127.0.0.1", "localhost"].includes(hostname) || ["data:", "blob:"].includes(protocol);
      if (!here) foreign.push(request.url());
    });
    page.on("response", (response) => {
      if (response.status() >= 400) problems.push(`${response.status()} for ${response.url()}`);
    });
    return page;
  }

  /** Takes a picture, asks axe-core about the page, and whether it scrolls sideways. */
  async inspect(page, name) {
    await page.screenshot({ path: join(this.pictures, `${name}.png`) });
    // Evaluated, not added as a script: the page's own policy stays in force.
    await page.evaluate(axe);
    const run = (runOnly) => globalThis.axe.run(document, { runOnly });
    const { violations } = await page.evaluate(run, RULES);
    for (const { id, nodes } of violations) {
      const places = nodes.map((node) => node.target.join(" "));
      // A node of the map shows figures beside its name. They are not its label, which begins with
      // the name and says the figures in words.
      const wrong = places.filter((place) => !(id === "label-content-name-mismatch" && / \S*\.node\b/.test(place)));
      if (wrong.length > 0) this.seen.findings.push(`${name}: ${id} at ${wrong.join(", ")}`);
    }
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (sideways > 0) this.seen.overflow.push(`${name}: ${sideways} px`);
  }

  /** Ends the browser and prints what was seen. */
  async finish() {
    await this.chromium.close();
    console.log(JSON.stringify(this.seen));
  }
}

/** Polls until `look` finds something; null when patience ends. */
export async function eventually(look) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const found = await look().catch(() => null);
    if (found) return found;
    await new Promise((done) => setTimeout(done, 200));
  }
  return null;
}

/** Rows of the timeline: depth, name, detail, and the words for screen readers. */
export const timeline = (page) =>
  page.locator("[role=treegrid] tbody tr").evaluateAll((rows) =>
    rows.map((row) => ({
      level: Number(row.getAttribute("aria-level")),
      name: row.querySelector(".nm")?.textContent.trim() ?? "",
      detail: row.querySelector(".det")?.textContent.trim() ?? "",
      status: row.querySelector("td .vh")?.textContent.trim() ?? "",
    })),
  );

/** Nodes of the map that can be seen: name, and the words for screen readers that begin with it. */
export const nodes = (page) =>
  page.locator("a.node:visible").evaluateAll((all) =>
    all.map((node) => {
      const label = node.getAttribute("aria-label") ?? "";
      return { name: label.split(",")[0], label };
    }),
  );
