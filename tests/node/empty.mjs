// Looks at a console that has no trace yet, runs the command that it offers, and waits for the
// segment without a reload.
//
// empty.mjs CHROMIUM PICTURES_FOLDER CONSOLE_URL

import { spawnSync } from "node:child_process";
import { Browser, DARK, DESK, PHONE, eventually } from "./browser.mjs";

const [executablePath, pictures, consoleUrl] = process.argv.slice(2);
const browser = await Browser.start(executablePath, pictures);
const { seen } = browser;

for (const [name, options] of Object.entries({ dark: DARK, phone: PHONE })) {
  const page = await browser.open(options);
  await page.goto(consoleUrl);
  await browser.inspect(page, `empty-${name}`);
}
const page = await browser.open(DESK);
await page.goto(consoleUrl);
seen.text = await page.locator("main").innerText();
await browser.inspect(page, "empty");
const commands = await page.locator("main pre").allTextContents();
seen.command = commands.find((command) => command.includes("/dev/udp/")) ?? null;
if (seen.command) {
  const { status, stderr } = spawnSync("bash", ["-c", seen.command], { encoding: "utf8" });
  seen.ran = { status, stderr };
  seen.arrived = await eventually(() => page.getByText("hello").first().isVisible());
  await browser.inspect(page, "empty-first-segment");
}
await browser.finish();
