// Keeps a status page current: when the server says that something changed, and every minute, the living part is
// fetched anew. Without this script, and wherever it fails, the page is as it was when it was loaded.
const EVERY_MS = 60_000;
const live = document.getElementById("live");
let waiting = false;

async function refresh() {
  if (waiting || document.hidden || live.contains(document.activeElement?.closest("form"))) return;
  waiting = true;
  try {
    const reply = await fetch(live.dataset.fragment, { headers: { Accept: "text/html" } });
    if (reply.ok) replace(new DOMParser().parseFromString(await reply.text(), "text/html").body);
  } catch {
    // Offline: what is shown says how old it is.
  } finally {
    waiting = false;
  }
}

function replace(fresh) {
  for (const group of live.querySelectorAll("details[data-keep]")) {
    const twin = fresh.querySelector(`details[data-keep="${group.dataset.keep}"]`);
    if (twin && twin.open !== group.open && group.dataset.touched) {
      twin.open = group.open;
      twin.dataset.touched = "1";
    }
  }
  const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  live.replaceChildren(...fresh.childNodes);
  if (focused) live.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

if (live) {
  live.addEventListener("click", (event) => {
    const group = event.target.closest("summary")?.parentElement;
    if (group) group.dataset.touched = "1";
  });
  const events = new EventSource(live.dataset.events);
  for (const name of ["component.changed", "incident.opened", "incident.updated", "incident.resolved", "reset"]) {
    events.addEventListener(name, refresh);
  }
  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
}
