import { appendFileSync, copyFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { freePort } from '../support/baresip.ts';
import { VOICE_HZ, listenAt, onlyByRelay, pageHears, withMicrophone } from '../support/browser-telephone.ts';
import { ROME, ROME_HZ } from '../support/numbers.ts';
import { test } from '../support/test.ts';

/** Debian's package of coturn, unpacked and not installed: it would start a server that everybody can reach. */
const COTURN = path.join(process.env.PONTE_UNPACKED ?? '/', process.env.PONTE_UNPACKED ? 'coturn' : '');
const SECRET = 'between gateway and relay';

test.use(withMicrophone);

test('t04 a browser whose network lets it come by a relay alone calls by it, and is heard both ways', async ({
  portal,
  carrier,
  stack,
}) => {
  const { page } = portal;
  const port = await freePort();
  const libraries = ['x86_64', 'aarch64'].map((machine) => path.join(COTURN, 'usr/lib', `${machine}-linux-gnu`));
  const args = [
    '-n', '--no-cli', '--no-tls', '--no-dtls', '--no-udp', '--listening-ip=127.0.0.1', `--listening-port=${port}`,
    '--relay-ip=127.0.0.1', '--allow-loopback-peers', '--realm=ponte.test', '--use-auth-secret',
    `--static-auth-secret=${SECRET}`, '--log-file=stdout', '--pidfile=', '--userdb=',
  ];
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(':') };
  const relay = spawn(path.join(COTURN, 'usr/bin/turnserver'), args, { env });
  const config = path.join(stack.ready.data, 'ponte.toml');
  copyFileSync(config, `${config}.before`);
  try {
    const urls = `["turn:127.0.0.1:${port}?transport=tcp"]`;
    appendFileSync(config, `\n[webrtc.turn]\nurls = ${urls}\nsecret = "${SECRET}"\n`);
    await stack.kill('gateway');
    await stack.start('gateway');
    await listenAt(page);
    await onlyByRelay(page);
    await page.reload();
    await carrier.answers(ROME, ROME_HZ);
    await portal.takesCallsHere();
    await portal.dial(ROME);
    await portal.isIn('connected', 20_000);
    await Promise.all([carrier.hears(ROME, VOICE_HZ), pageHears(page, ROME_HZ)]);
    await portal.hangUp();
    await portal.isOver();
    await portal.leaves();
  } finally {
    copyFileSync(`${config}.before`, config);
    await stack.kill('gateway');
    await stack.start('gateway');
    relay.kill('SIGKILL');
  }
});
