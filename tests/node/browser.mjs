// Uses shop and console as a person would, in a real Chromium, and prints what was seen as JSON.
//
// browser.mjs SHOP_URL CONSOLE_URL PICTURES_FOLDER CHROMIUM
//
// Facts only: what they must be is for the test that runs this.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [shopUrl, consoleUrl, pictures, executablePath] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE_MS = 30_000;
const PRODUCT = { id: "4711", name: "Reading lamp <b>&amp;" };

const seen = { problems: [], foreign: [], findings: [], overflow: [] };

/** A page that notes whatever goes wrong on it. */
async function open(browser, options) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      seen.problems.push(`console ${message.type()}: ${message.text()} at ${page.url()}`);
    }
  });
  page.on("pageerror", (error) => seen.problems.push(`page error: ${error.message} at ${page.url()}`));
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    const here = ["127.0.0.1", "localhost"].includes(hostname) || ["data:", "blob:"].includes(protocol);
    if (!here) seen.foreign.push(request.url());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) seen.problems.push(`${response.status()} for ${response.url()}`);
  });
  return page;
}

/** Takes a picture and asks axe-core about the page. */
async function inspect(page, name) {
  await page.screenshot({ path: join(pictures, `${name}.png`) });
  // Evaluated, not added as a script: the page's own policy stays in force.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  for (const { id, nodes } of violations) {
    seen.findings.push(`${name}: ${id} at ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  }
  const sideways = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (sideways > 0) seen.overflow.push(`${name}: ${sideways} px`);
}

const text = (locator) => locator.allInnerTexts().then((texts) => texts.map((each) => each.trim()));

/** Rows of the timeline: name, detail, and the words for screen readers. */
const timeline = (page) =>
  page.locator("[role=treegrid] tbody tr, tbody[role=treegrid] tr, table.tl tbody tr").evaluateAll((rows) =>
    rows.map((row) => ({
      level: Number(row.getAttribute("aria-level")),
      name: row.querySelector(".nm")?.textContent.trim() ?? "",
      detail: row.querySelector(".det")?.textContent.trim() ?? "",
      status: row.querySelector("td .vh")?.textContent.trim() ?? "",
    })),
  );

/** Polls until `look` finds something; returns null when patience ends. */
async function eventually(look) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const found = await look().catch(() => null);
    if (found) return found;
    await new Promise((done) => setTimeout(done, 200));
  }
  return null;
}

async function addProduct(page) {
  await page.goto(shopUrl);
  await inspect(page, "shop");
  await page.getByLabel("Product ID").fill(PRODUCT.id);
  await page.getByLabel("Product name").fill(PRODUCT.name);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const last = page.locator("footer.last");
  await last.getByText(PRODUCT.id).first().waitFor();
  seen.lastAction = (await last.innerText()).replace(/\s+/g, " ").trim();
  seen.products = await text(page.locator("main table tbody tr"));
  await inspect(page, "shop-added");
}

async function followTrace(page) {
  const before = Date.now();
  const link = page.locator("footer.last a").filter({ hasText: /trace/i }).first();
  seen.traceLink = await link.getAttribute("href");
  await link.click();
  // Without a reload: the page itself brings what is still on its way.
  seen.timeline = await eventually(async () => {
    const rows = await timeline(page);
    return rows.some((row) => row.name === "Product-Detail") && rows;
  });
  seen.traceMs = Date.now() - before;
  seen.traceUrl = page.url();
  seen.traceTitle = await page.locator("h1").innerText();
  await inspect(page, "trace");
}

async function openStatement(page) {
  const row = page.locator("tr", { has: page.locator(".nm", { hasText: /^products/ }) }).first();
  await row.click();
  const tab = page.getByRole("tab", { name: /SQL/ });
  if (await tab.count()) await tab.first().click();
  seen.statement = await eventually(async () => {
    const shown = await page.locator("main").innerText();
    return shown.match(/INSERT INTO products[^\n]*/i)?.[0];
  });
  await inspect(page, "trace-sql");
}

async function findInList(page) {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Traces" }).click();
  await inspect(page, "traces");
  const field = page.locator(".query input, .query textarea").first();
  await field.fill('http.method = "POST" AND service("Frontend")');
  await field.press("Enter");
  const id = seen.traceUrl.match(/1-[0-9a-f]{8}-[0-9a-f]{24}/)?.[0];
  seen.listed = await eventually(() => page.locator(`main a[href*="${id}"]`).first().isVisible());
  await inspect(page, "traces-filtered");
}

async function readMap(page, name) {
  await page.goto(consoleUrl);
  const nodes = () =>
    page.locator("a.node[data-node]:visible").evaluateAll((all) =>
      all.map((node) => ({ name: node.dataset.node, label: node.getAttribute("aria-label") ?? "" })),
    );
  const names = ["Client", "Frontend", "Product-Catalog", "Product-Detail"];
  const found = await eventually(async () => {
    const now = await nodes();
    return names.every((each) => now.some((node) => node.name === each)) && now;
  });
  await inspect(page, name);
  return found ?? (await nodes());
}

async function clickNode(page) {
  await page.locator('a.node[data-node="Product-Catalog"]:visible').first().click();
  const side = page.locator(".side:visible").first();
  seen.side = await eventually(async () => {
    const shown = await side.innerText();
    return shown.includes("Product-Catalog") && shown.replace(/\s+/g, " ");
  });
  await inspect(page, "map-node");
}

mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({
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
try {
  const desk = await open(browser, { viewport: { width: 1440, height: 900 }, colorScheme: "light" });
  await addProduct(desk);
  await followTrace(desk);
  await openStatement(desk);
  await findInList(desk);
  seen.nodes = await readMap(desk, "map");
  await clickNode(desk);

  const dark = { viewport: { width: 1440, height: 900 }, colorScheme: "dark" };
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  for (const [name, options] of [["dark", dark], ["phone", phone], ["phone-dark", { ...phone, colorScheme: "dark" }]]) {
    const page = await open(browser, options);
    await readMap(page, `map-${name}`);
    await page.goto(seen.traceUrl);
    await inspect(page, `trace-${name}`);
    await page.goto(new URL("/traces", consoleUrl).href);
    await inspect(page, `traces-${name}`);
    await page.goto(shopUrl);
    await inspect(page, `shop-${name}`);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
