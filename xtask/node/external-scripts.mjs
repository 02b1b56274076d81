// Moves the inline module scripts that trunk writes into files of their own, named by their content, so that the
// portal's Content-Security-Policy needs no exception. Runs as trunk's post_build hook.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const staging = process.env.TRUNK_STAGING_DIR;
if (!staging) {
  console.error("TRUNK_STAGING_DIR is not set: this script is a hook of trunk");
  process.exit(1);
}
const page = join(staging, "index.html");
const html = readFileSync(page, "utf8");
const moved = html.replace(/<script([^>]*)>([\s\S]*?)<\/script>/g, (tag, attributes, body) => {
  if (/\ssrc\s*=/.test(attributes) || body.trim() === "") {
    return tag;
  }
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 16);
  const name = `boot-${hash}.js`;
  writeFileSync(join(staging, name), `${body.trim()}\n`);
  return `<script${attributes.replace(/\s+nonce="[^"]*"/, "")} src="/${name}"></script>`;
});
writeFileSync(page, moved);
