// Tells this browser of calls while the portal is closed (Web Push). The portal asks here, see app/src/browser/push.rs.
const KEPT = "ponte.push";
const READY_MS = 10_000;

/**
 * "on" and "off" switch it, "keep" renews what its user switched on here before: the subscription is told to the site anew,
 * for this session and in this language. Gives what holds then: "on", "off", "denied", "missing" or "failed".
 */
export async function push(wish, user, language) {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return "missing";
  try {
    if (wish === "off") return await end();
    // Only within a click does a browser ask its user.
    if (wish === "on") await Notification.requestPermission();
    if (Notification.permission === "denied") return "denied";
    const wanted = wish === "on" || localStorage.getItem(KEPT) === user;
    if (!wanted || Notification.permission !== "granted") return "off";
    await begin(language);
    localStorage.setItem(KEPT, user);
    return "on";
  } catch {
    return "failed";
  }
}

async function manager() {
  const late = new Promise((_, reject) => setTimeout(reject, READY_MS));
  return (await Promise.race([navigator.serviceWorker.ready, late])).pushManager;
}

async function begin(language) {
  const { key } = await (await answered("GET")).json();
  const pushManager = await manager();
  let subscription = await pushManager.getSubscription();
  if (subscription && text(subscription.options.applicationServerKey) !== key) {
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await answered("POST", { ...subscription.toJSON(), language });
}

async function end() {
  localStorage.removeItem(KEPT);
  const subscription = await (await manager()).getSubscription();
  // The site first: the browser alone would be told of as gone with the next call only.
  await answered("DELETE").finally(() => subscription?.unsubscribe());
  return "off";
}

async function answered(method, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch("/api/push", { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method}: ${answer.status}`);
  return answer;
}

/** Bytes in base64url, as the site writes its key. */
function text(bytes) {
  const binary = String.fromCharCode(...new Uint8Array(bytes ?? []));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
