import { defineConfig, devices } from '@playwright/test';

const desktop = { viewport: { width: 1280, height: 800 } };
const mobile = { ...devices['Pixel 7'], viewport: { width: 390, height: 844 } };

export default defineConfig({
  testDir: 'tests',
  // The README's pictures are taken, and other networks tried, only where that is asked for.
  testIgnore: [
    ...(process.env.PONTE_PICTURES ? [] : ['**/pictures.spec.ts']),
    ...(process.env.PONTE_AWAY ? [] : ['**/roaming.spec.ts']),
  ],
  outputDir: 'test-results',
  // Each worker has a stack of its own; its tests take turns, for they share that stack's line. They wait more than they
  // work, so that two cores carry three stacks.
  workers: 3,
  fullyParallel: false,
  // A shared machine may stall for seconds; a test that needed its second try is counted as passed and named as flaky.
  retries: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    // A trace of each test would cost as much as the test.
    trace: 'on-first-retry',
    screenshot: 'only-on-failure',
    locale: 'en-GB',
    colorScheme: 'light',
    // What is tested is what the edge serves; tests of the worker in the browser allow it.
    serviceWorkers: 'block',
    // A screen reader reads windows (bench/orca.sh).
    headless: !process.env.PONTE_ORCA,
    launchOptions: {
      executablePath: process.env.PONTE_CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        ...(process.env.PONTE_ORCA ? ['--force-renderer-accessibility'] : []),
      ],
    },
  },
  projects: [
    { name: 'desktop', use: desktop },
    { name: 'mobile', use: mobile, grep: /@mobile/ },
  ],
});
