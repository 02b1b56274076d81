// The portal itself starts later; the theme it kept must hold from the first paint on.
try {
  const theme = localStorage.getItem("ponte.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden: the system's theme holds.
}
