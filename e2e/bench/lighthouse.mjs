// What Lighthouse says of the portal as a stranger first meets it: the page of signing in, with nothing kept.
//
// The built portal on the real edge in workerd, or a portal that runs already, whose address is given. Lighthouse loads it as
// a mobile does (slow network, slow processor, both simulated) and as a desktop does, a few times each. Prints one JSON
// object; see bench/README.md.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Edge } from "../../edge/tests/support/edge.mjs";

const LIGHTHOUSE = "lighthouse@12.8.2";
const RUNS = Number(process.env.PONTE_RUNS ?? 3);
const PRESETS = { mobile: [], desktop: ["--preset=desktop"] };
const CATEGORIES = ["performance", "accessibility", "best-practices"];
const AUDITS = {
  first_contentful_paint_ms: "first-contentful-paint",
  largest_contentful_paint_ms: "largest-contentful-paint",
  speed_index_ms: "speed-index",
  total_blocking_time_ms: "total-blocking-time",
  cumulative_layout_shift: "cumulative-layout-shift",
  bytes: "total-byte-weight",
};
const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const run = promisify(execFile);

async function lighthouse(url, options) {
  const args = [
    "--yes", LIGHTHOUSE, url, "--quiet", "--output=json", `--only-categories=${CATEGORIES}`,
    "--chrome-flags=--headless=new --no-sandbox --disable-gpu", ...options,
  ];
  const env = { ...process.env, CHROME_PATH: process.env.PONTE_CHROMIUM ?? "/usr/bin/chromium" };
  const { stdout } = await run("npx", args, { env, maxBuffer: 64 * 1024 * 1024 });
  const { categories, audits } = JSON.parse(stdout);
  const scores = CATEGORIES.map((name) => [name.replace("-", "_"), Math.round(100 * categories[name].score)]);
  const figures = Object.entries(AUDITS).map(([name, audit]) => [name, Math.round(1000 * audits[audit].numericValue) / 1000]);
  const lost = CATEGORIES.slice(1).flatMap((name) => categories[name].auditRefs).filter(({ id, weight }) => {
    const { score, scoreDisplayMode } = audits[id];
    return weight > 0 && score !== null && score < 1 && scoreDisplayMode !== "informative";
  });
  return { ...Object.fromEntries([...scores, ...figures]), lost: lost.map(({ id }) => id) };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure(url) {
  const result = { url: new URL(url).pathname, lighthouse: LIGHTHOUSE, runs: RUNS };
  for (const [preset, options] of Object.entries(PRESETS)) {
    const runs = [];
    for (let done = 0; done < RUNS; done += 1) {
      runs.push(await lighthouse(url, options));
      process.stderr.write(`${preset}: ${JSON.stringify(runs.at(-1))}\n`);
    }
    const names = Object.keys(runs[0]).filter((name) => name !== "lost");
    const medians = names.map((name) => [name, median(runs.map((one) => one[name]))]);
    result[preset] = {
      ...Object.fromEntries(medians),
      performance_of_each: runs.map(({ performance }) => performance),
      lost: [...new Set(runs.flatMap(({ lost }) => lost))],
    };
  }
  return result;
}

const [given] = process.argv.slice(2);
const edge = given ? undefined : await Edge.start({ dist });
try {
  console.log(JSON.stringify(await measure(given ?? `${edge.origin}/`), null, 2));
} finally {
  await edge?.stop();
}
