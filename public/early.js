// What cannot wait for the portal, which starts later: the theme and the language it kept must hold from the first paint on,
// and what the portal asks for first can be on its way before the portal is there.
const root = document.documentElement;
let kept = {};
try {
  kept = { theme: localStorage.getItem("ponte.theme"), language: localStorage.getItem("ponte.language") };
} catch {
  // Storage is forbidden: the system's theme and the browser's languages hold.
}
if (kept.theme === "light" || kept.theme === "dark") root.dataset.theme = kept.theme;
// As app/src/i18n.rs chooses. A wrong guess costs one file, nothing else.
const spoken = ["en", "it", "de", "fr", "es"];
const wanted = [kept.language, ...navigator.languages].map((tag) => tag?.split(/[-_]/)[0].toLowerCase());
const language = wanted.find((tag) => spoken.includes(tag)) ?? "en";
// What stands in the page before the portal does has a text for each.
root.lang = language;
const ahead = [`/i18n/${language}.json`];
// Who is signed in. Whoever is invited is nobody yet, and asks only after the answer has changed.
if (location.pathname !== "/invite") ahead.push("/api/session");
for (const href of ahead) {
  const link = document.createElement("link");
  Object.assign(link, { rel: "preload", as: "fetch", crossOrigin: "anonymous", href });
  document.head.append(link);
}
