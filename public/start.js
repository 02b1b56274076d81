// Starts the portal. The content security policy forbids scripts in the page itself; the page names their files.
// What the portal has a script for that it does not need at once.
globalThis.ponte = { push: async (...wish) => (await import("/push.js")).push(...wish) };
const self = document.querySelector("script[data-wasm]");
// The pages at other addresses need what is not loaded at the start: it may come beside it.
if (self.dataset.later && !/^\/(log\/?)?$/.test(location.pathname)) {
  const link = document.createElement("link");
  Object.assign(link, { rel: "preload", as: "fetch", crossOrigin: "anonymous", href: self.dataset.later });
  document.head.append(link);
}
// What stands at once in the page is painted first, and does not share the network with the program. A hidden tab paints nothing.
await new Promise((painted) => {
  requestAnimationFrame(() => setTimeout(painted));
  setTimeout(painted, 300);
});
try {
  const { default: init } = await import(self.dataset.js);
  await init({ module_or_path: self.dataset.wasm });
} catch (error) {
  document.documentElement.dataset.crashed = "";
  throw error;
}
// After the portal, which shall not wait for it. Without one, it opens only while there is a network.
navigator.serviceWorker?.register("/sw.js").catch(() => {});
