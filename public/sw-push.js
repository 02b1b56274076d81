// Calls told while the portal is closed: part of the service worker. What the edge sends is in docs/protocol.md, "Push".
const LANGUAGES = ["en", "it", "de", "fr", "es"];
// How long "answered" stands in the place of the call, in milliseconds. Browsers want every message to be shown.
const OVER_MS = 2_000;

addEventListener("push", (event) => event.waitUntil(tell(event.data?.json() ?? {})));

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data?.path ?? "/"));
});

// The browser has changed its subscription by itself.
addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

async function tell({ type, call, name, number, language, at }) {
  const spoken = LANGUAGES.includes(language) ? language : "en";
  const texts = await words(spoken).catch(() => ({}));
  const party = name || number || texts.call?.withheld || "";
  const common = { tag: call, lang: spoken, timestamp: at, icon: "/icon-192.png", badge: "/icon-192.png" };
  if (type === "ringing") {
    const title = texts.title?.ringing?.replace("{party}", () => party) ?? party;
    const body = name ? number : "";
    const loud = { renotify: true, requireInteraction: true, vibrate: [400, 200, 400] };
    await registration.showNotification(title || "Ponte", { ...common, ...loud, body, data: { path: "/" } });
    return;
  }
  const missed = type === "missed";
  // Somebody who looks at the portal need not be told of what is over.
  if (!missed && (await portals()).some((page) => page.visibilityState === "visible")) return close(call);
  const title = (missed ? texts.outcome?.missed : texts.outcome?.incoming) ?? "Ponte";
  await registration.showNotification(title, { ...common, silent: true, body: party, data: { path: missed ? "/log" : "/" } });
  if (missed) return;
  await new Promise((resolve) => setTimeout(resolve, OVER_MS));
  await close(call);
}

async function close(call) {
  for (const notification of await registration.getNotifications({ tag: call })) notification.close();
}

/** The texts of a language: those that the portal has kept, else over the network. */
async function words(language) {
  const path = `/i18n/${language}.json`;
  const response = (await caches.match(path)) ?? (await fetch(path));
  return response.ok ? response.json() : {};
}

/** The pages of the portal that are open; those of the administrators are another program. */
async function portals() {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  return pages.filter((page) => !new URL(page.url).pathname.startsWith("/admin"));
}

/** Shows the portal: every page of it has the calls at its top. */
async function show(path) {
  const [portal] = await portals();
  return portal ? portal.focus() : clients.openWindow(path);
}

async function renew({ oldSubscription, newSubscription }) {
  const options = oldSubscription?.options;
  const subscription = newSubscription ?? (options && (await registration.pushManager.subscribe(options)));
  if (!subscription) return;
  const headers = { "Content-Type": "application/json" };
  await fetch("/api/push", { method: "POST", headers, body: JSON.stringify(subscription) });
}
