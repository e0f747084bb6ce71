// Light or dark: as the system says, until somebody chooses. Runs before the first paint.
const kept = "farwatch.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try {
    const theme = localStorage.getItem(kept);
    return theme === "light" || theme === "dark" ? theme : null;
  } catch {
    return null; // storage may be denied; then the system decides
  }
}

function isDark() {
  return (chosen() ?? (dark.matches ? "dark" : "light")) === "dark";
}

function apply() {
  const theme = chosen();
  if (theme) document.documentElement.dataset.theme = theme;
  document.getElementById("theme-toggle")?.setAttribute("aria-pressed", String(isDark()));
}

function toggle() {
  try {
    localStorage.setItem(kept, isDark() ? "light" : "dark");
  } catch {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  }
  apply();
}

function ready() {
  const button = document.getElementById("theme-toggle");
  button.hidden = false;
  button.addEventListener("click", toggle);
  dark.addEventListener("change", apply);
  apply();
}

apply();
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
else ready();
