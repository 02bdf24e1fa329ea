// Inserts a product in the shop and follows it to its trace and the map, as a person would.
//
// shop.mjs CHROMIUM PICTURES_FOLDER SHOP_URL CONSOLE_URL

import { Browser, DARK, DESK, PHONE, PHONE_DARK, eventually, nodes, timeline } from "./browser.mjs";

const [executablePath, pictures, shopUrl, consoleUrl] = process.argv.slice(2);
const PRODUCT = { id: "4711", name: "Reading lamp <b>&amp;" };
const SERVICES = ["Client", "Frontend", "Product-Catalog", "Product-Detail"];

async function addProduct(page) {
  await page.goto(shopUrl);
  await browser.inspect(page, "shop");
  await page.getByLabel("Product ID").fill(PRODUCT.id);
  await page.getByLabel("Product name").fill(PRODUCT.name);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const last = page.locator("footer.last");
  await last.getByText(PRODUCT.id).first().waitFor();
  seen.lastAction = (await last.innerText()).replace(/\s+/g, " ").trim();
  seen.products = await page.locator("main table tbody tr").allInnerTexts();
  await browser.inspect(page, "shop-added");
}

async function followTrace(page) {
  const begin = Date.now();
  await page.locator("footer.last a").filter({ hasText: /trace/i }).first().click();
  // Without a reload: the page itself brings what is still on its way. Every tenth call goes to
  // version 2 of the detail.
  seen.timeline = await eventually(async () => {
    const rows = await timeline(page);
    return rows.some((row) => row.name.startsWith("Product-Detail")) && rows;
  });
  seen.traceMs = Date.now() - begin;
  seen.traceUrl = page.url();
  seen.traceTitle = await page.locator("h1").innerText();
  await browser.inspect(page, "trace");
}

async function openStatement(page) {
  await page.locator("tr", { has: page.locator(".det", { hasText: /^INSERT/i }) }).first().click();
  // The panel of another row stands there until this one's has come.
  await page.getByText(/ · INSERT INTO products/).first().waitFor();
  await page.getByRole("tab", { name: /SQL/ }).first().click();
  seen.statement = await eventually(async () => {
    const shown = await page.locator("[role=tabpanel]:visible").first().innerText();
    return shown.match(/INSERT INTO products[^\n]*/i)?.[0];
  });
  await browser.inspect(page, "trace-sql");
}

async function findInList(page) {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Traces" }).click();
  await browser.inspect(page, "traces");
  const field = page.locator(".query input, .query textarea").first();
  await field.fill('http.method = "POST" AND service("Frontend")');
  await field.press("Enter");
  const id = seen.traceUrl.match(/1-[0-9a-f]{8}-[0-9a-f]{24}/)?.[0];
  seen.listed = await eventually(() => page.locator(`main a[href*="${id}"]`).first().isVisible());
  await browser.inspect(page, "traces-filtered");
}

async function readMap(page, name) {
  await page.goto(consoleUrl);
  await eventually(async () => {
    const names = (await nodes(page)).map((node) => node.name);
    return SERVICES.every((service) => names.includes(service));
  });
  await browser.inspect(page, name);
  return nodes(page);
}

async function clickNode(page) {
  await page.locator('a.node[aria-label^="Product-Catalog,"]:visible').first().click();
  seen.side = await eventually(async () => {
    const shown = await page.locator(".side:visible").first().innerText();
    return shown.includes("Product-Catalog") && shown.replace(/\s+/g, " ");
  });
  await browser.inspect(page, "map-node");
}

const browser = await Browser.start(executablePath, pictures);
const { seen } = browser;
const desk = await browser.open(DESK);
await addProduct(desk);
await followTrace(desk);
await openStatement(desk);
await findInList(desk);
seen.nodes = await readMap(desk, "map");
await clickNode(desk);
for (const [name, options] of Object.entries({ dark: DARK, phone: PHONE, "phone-dark": PHONE_DARK })) {
  const page = await browser.open(options);
  await readMap(page, `map-${name}`);
  await page.goto(seen.traceUrl);
  await browser.inspect(page, `trace-${name}`);
  for (const other of ["traces", "sampling", "daemon"]) {
    await page.goto(new URL(`/${other}`, consoleUrl).href);
    await browser.inspect(page, `${other}-${name}`);
  }
  await page.goto(shopUrl);
  await browser.inspect(page, `shop-${name}`);
}
await browser.finish();
