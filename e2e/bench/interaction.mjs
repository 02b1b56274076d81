// How long the portal takes from a key or a click to the next paint, with a call log of 10,000 and a directory of 2,000.
//
// The built portal on the real edge in workerd; in the place of the gateway a stand-in that holds the log and the contacts
// and gives them out page by page. Times are those of the browser's own Event Timing, of which Interaction to Next Paint is
// made. Prints one JSON object; see bench/README.md.

import { chromium } from "@playwright/test";
import { fileURLToPath } from "node:url";
import { Edge } from "../../edge/tests/support/edge.mjs";

const RECORDS = 10_000;
const CONTACTS = 2_000;
const PASSWORD = "correct horse battery";
const dist = fileURLToPath(new URL("../../dist", import.meta.url));

const now = Date.now();
const id = (n) => `0196b000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const names = ["Nadia Neri", "Carlo Rossi", "Giulia Ferrari", "Marco Greco", "Elena Costa", "Luca Fontana", "Sara Riva"];
const record = (n) => ({
  id: id(n),
  user: "anna",
  direction: n % 3 ? "incoming" : "outgoing",
  dialled: n % 3 ? "201" : `02${10_000_000 + (n % 5_000)}`,
  number: `+3902${10_000_000 + (n % 5_000)}`,
  ...(n % 2 ? { name: `${names[n % names.length]} ${n % 500}` } : {}),
  started_at: now - n * 600_000,
  ...(n % 4 ? { connected_at: now - n * 600_000 + 5_000 } : {}),
  ended_at: now - n * 600_000 + 65_000,
  cause: { reason: n % 4 ? "normal_clearing" : "no_answer", class: n % 4 ? "success" : "user", sip: n % 4 ? 200 : 480 },
  ended_by: "far_leg",
  legs: [],
});
const contact = (n) => ({
  id: id(n),
  name: `${names[n % names.length]} ${n}`,
  organisation: `Company ${n % 90}`,
  numbers: [{ label: "mobile", number: `+39333${1_000_000 + n}` }, { label: "work", number: `+3902${20_000_000 + n}` }],
  favourite: n % 100 === 0,
  notes: "",
});
const log = Array.from({ length: RECORDS }, (_, n) => record(n + 1));
const contacts = Array.from({ length: CONTACTS }, (_, n) => contact(n + 1));

/** When the oldest call given out so far began. */
let oldest = now;

/** Answers what a portal asks as the gateway would. */
function serve(gateway) {
  gateway.socket.on("message", (data) => {
    const frame = JSON.parse(data.toString());
    if (frame.type === "watch_company") {
      gateway.send({ type: "company", portal: frame.portal, whole: true, colleagues: [] });
    }
    if (frame.type !== "command") return;
    const { id: command, body } = frame.command;
    if (body.type === "fetch_log") {
      const older = log.filter((one) => body.before === undefined || one.started_at < body.before);
      const records = older.slice(0, body.limit);
      oldest = Math.min(oldest, records.at(-1)?.started_at ?? oldest);
      gateway.reply("anna", command, { type: "log", records, more: older.length > records.length });
    } else if (body.type === "fetch_contacts") {
      const after = body.after === undefined ? 0 : contacts.findIndex((one) => one.id === body.after) + 1;
      const page = contacts.slice(after, after + body.limit);
      const more = after + page.length < contacts.length;
      gateway.reply("anna", command, { type: "contacts", version: 1, contacts: page, more });
    } else {
      gateway.reply("anna", command);
    }
  });
}

/** Runs in the page: the longest time from input to paint since it was asked last, in milliseconds. */
function watchEvents() {
  window.slowest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.interactionId) window.slowest = Math.max(window.slowest, entry.duration);
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: false });
}

async function measure(page, slowdown) {
  const client = await page.context().newCDPSession(page);
  await client.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  const figures = {};
  const step = async (name, act) => {
    await page.waitForTimeout(300);
    await page.evaluate(() => { window.slowest = 0; });
    await act();
    await page.waitForTimeout(600);
    // Event Timing tells nothing of what took less than 16 ms.
    figures[name] = Math.max(16, await page.evaluate(() => window.slowest));
  };
  const type = (text) => page.keyboard.type(text, { delay: 120 });
  const go = (icon) => page.locator(`[data-testid=nav-${icon}]:visible`).click();

  await step("to_the_log", () => go("log"));
  await step("the_next_page_of_calls", () => page.getByTestId("log-more").click());
  await step("the_last_page_of_calls", () => page.getByTestId("log-last").click());
  await step("the_first_page_of_calls", () => page.getByTestId("log-first").click());
  await page.getByTestId("log-search").click();
  await step("search_the_log_by_name", () => type("rossi 12"));
  await page.getByTestId("log-search").fill("");
  await step("search_the_log_for_what_is_not_there", () => type("zzzz"));
  await page.getByTestId("log-search").fill("");
  await page.getByTestId("log-search").click();
  await step("search_the_log_by_number", () => type("0210000012"));
  await page.getByTestId("log-search").fill("");
  await step("missed_calls_only", () => page.getByTestId("log-missed").click());
  await step("all_calls_again", () => page.getByTestId("log-missed").click());
  await step("to_the_directory", () => go("directory"));
  await step("the_next_page_of_contacts", () => page.getByTestId("contacts-next").click());
  await step("the_last_page_of_contacts", () => page.getByTestId("contacts-last").click());
  await page.getByTestId("directory-search").click();
  await step("search_the_directory", () => type("nadia 19"));
  await page.getByTestId("directory-search").fill("");
  await step("to_the_calls", () => go("phone"));
  await page.getByTestId("dial-input").click();
  await step("suggestions_while_dialling", () => type("ferr"));
  await page.getByTestId("dial-input").fill("");
  await step("open_the_palette", () => page.keyboard.press("Control+k"));
  await step("type_into_the_palette", () => type("carlo 7"));
  await step("type_into_the_palette_what_is_not_there", () => type("zz"));
  await page.keyboard.press("Escape");
  return figures;
}

const edge = await Edge.start({ dist });
const browser = await chromium.launch({
  executablePath: process.env.PONTE_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const gateway = await edge.gateway(["anna"]);
  serve(gateway);
  const cookie = await edge.invite(gateway, "anna", PASSWORD);
  gateway.state("anna", { log: log.slice(0, 50), contacts: { version: 1, total: CONTACTS } });
  await gateway.acknowledged();
  const [name, value] = cookie.split("=");
  const context = await browser.newContext({ baseURL: edge.origin, viewport: { width: 1280, height: 800 } });
  await context.addCookies([{ name, value, domain: "localhost", path: "/", secure: true, httpOnly: true, sameSite: "Strict" }]);
  await context.addInitScript(watchEvents);
  const page = await context.newPage();
  await page.goto("/log");
  await page.getByTestId("log-more").waitFor({ timeout: 60_000 });
  // All of the log, as somebody gets it who goes on turning its pages.
  const started = Date.now();
  const last = log.at(-1).started_at;
  for (let turned = 0; oldest > last && turned < RECORDS; turned += 1) {
    await page.getByTestId("log-next").click();
  }
  // Whoever has turned them all is there already.
  const end = page.getByTestId("log-last");
  if (await end.isEnabled()) await end.click();
  await page.getByText(`of ${RECORDS}`).waitFor();
  const shown = await page.getByTestId("log-row").count();
  process.stderr.write(`all loaded, ${shown} rows shown, after ${Date.now() - started} ms\n`);
  await page.locator("[data-testid=nav-phone]:visible").click();
  const result = { records: RECORDS, contacts: CONTACTS, rows_shown: shown };
  result.desktop_ms = await measure(page, 1);
  result.four_times_slower_ms = await measure(page, 4);
  console.log(JSON.stringify(result, null, 2));
} finally {
  await browser.close();
  await edge.stop();
}
