// Relative times go on while the page is open, by the server's clock. The same words as words.py.
const offset = Date.parse(document.documentElement.dataset.now) - Date.now() || 0;

export function tick() {
  const now = Date.now() + offset;
  for (const element of document.querySelectorAll("time[datetime]")) {
    const seconds = (now - Date.parse(element.dateTime)) / 1000;
    const words = "passed" in element.dataset ? lasting(Math.max(0, seconds)) : relative(seconds);
    if (element.textContent !== words) element.textContent = words;
  }
}

function relative(seconds) {
  if (seconds > -2 && seconds < 2) return "just now";
  const words = duration(Math.abs(seconds));
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function duration(seconds) {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 2 * 86400) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} days`;
}

function lasting(seconds) {
  const whole = Math.floor(seconds);
  for (const [size, unit, part, smaller] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    if (whole < size) continue;
    const rest = Math.floor((whole % size) / part);
    return `${Math.floor(whole / size)} ${unit}` + (rest ? ` ${rest} ${smaller}` : "");
  }
  return `${whole} s`;
}
