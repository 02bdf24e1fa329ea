// Looks at every page that shows what a stranger sent.
//
// hostile.mjs CHROMIUM PICTURES_FOLDER CONSOLE_URL TRACE_ID MARK
//
// Wherever the MARK is shown it must be text: no element, attribute or script may come of it.

import { Browser, DESK, eventually } from "./browser.mjs";

const [executablePath, pictures, consoleUrl, traceId, mark] = process.argv.slice(2);
const browser = await Browser.start(executablePath, pictures);
const { seen } = browser;
const page = await browser.open(DESK);
seen.shown = {};
seen.injected = [];
const paths = ["/", "/?view=table", "/traces", `/traces/${traceId}`, "/daemon", "/sampling"];
for (const path of paths) {
  await page.goto(new URL(path, consoleUrl).href);
  if (path === "/" || path === "/traces") {
    await eventually(async () => (await page.content()).includes(mark));
  }
  seen.shown[path] = (await page.locator("body").textContent()).includes(mark);
  const injected = await page.locator("img[src=x], [onerror], [onload], [onclick], script:not([src])").count();
  if (injected > 0) seen.injected.push(`${injected} at ${path}`);
}
// Every tab of every row.
await page.goto(new URL(`/traces/${traceId}`, consoleUrl).href);
for (const row of await page.locator("[role=treegrid] tbody tr").all()) {
  await row.click();
  for (const tab of await page.getByRole("tab").all()) await tab.click({ trial: false }).catch(() => {});
}
await browser.inspect(page, "hostile-trace");
await browser.finish();
