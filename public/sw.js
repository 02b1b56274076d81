importScripts("/sw-push.js");

// Lets the portal open without the network: its page, and the files the page needs. What the edge says is never kept, for
// it would be true no longer.
const SHELL = "shell";
// Which of them is spoken is known only to the page.
const TEXTS = ["en", "it", "de", "fr", "es"].map((language) => `/i18n/${language}.json`);
const ALWAYS = [...TEXTS, "/icons.svg", "/favicon.svg", "/manifest.webmanifest"];
// The name of such a file changes with its content.
const LASTING = /^\/(assets\/|ponte-app-)/;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(fetch("/").then(keep));
});

addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || request.headers.has("range")) return;
  if (pathname.startsWith("/api/") || pathname.startsWith("/admin")) return;
  if (request.mode === "navigate") event.respondWith(page(request, pathname));
  else if (LASTING.test(pathname)) event.respondWith(kept(request).then((found) => found ?? fetched(request)));
  else event.respondWith(fetched(request).catch(async (error) => (await kept(request)) ?? Promise.reject(error)));
});

/** The page as it is served, else the one that was kept. */
async function page(request, pathname) {
  try {
    const response = await fetch(request);
    // A full disk must not keep the page from its user.
    if (response.ok && pathname === "/") await keep(response.clone()).catch(() => {});
    return response;
  } catch (error) {
    const shell = await caches.match("/", { cacheName: SHELL });
    if (shell) return shell;
    throw error;
  }
}

/** Keeps a page and the files it names. Those of the page before go: nothing asks for them again. */
async function keep(response) {
  if (!response.ok) throw new Error(`the page was answered with ${response.status}`);
  const shell = await caches.open(SHELL);
  const before = await (await shell.match("/"))?.text();
  const text = await response.clone().text();
  if (text === before) return;
  const named = [...text.matchAll(/(?:href|src|data-js|data-wasm|data-later)="(\/[^"]*\.[^"]*)"/g)].map((match) => match[1]);
  const wanted = new Set([...named, ...ALWAYS]);
  for (const old of await shell.keys()) {
    if (!wanted.has(new URL(old.url).pathname)) await shell.delete(old);
  }
  await shell.put("/", response);
  // One that cannot be had is missed only where the network is.
  await Promise.allSettled([...wanted].map((path) => shell.add(path)));
}

function kept(request) {
  return caches.match(request, { cacheName: SHELL, ignoreVary: true });
}

/** Over the network, and kept where the shell has one of that name. */
async function fetched(request) {
  const response = await fetch(request);
  const shell = await caches.open(SHELL);
  if (response.ok && (await shell.match(request))) await shell.put(request, response.clone());
  return response;
}
