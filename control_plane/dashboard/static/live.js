// Keeps #live as it is on the server: an event that concerns the page has its fragment fetched and laid over it.
// At most one fetch at a time, and one a second or less. Hidden pages hold no stream.
import { morph } from "./morph.js";
import { tick } from "./clock.js";

const ALWAYS = [
  "verdict.changed", "incident.opened", "incident.acknowledged", "incident.updated", "incident.resolved",
  "monitor.degraded", "monitor.recovered", "monitor.flapping", "reset",
];
const REST_MS = 1000;
const REST_TIMES = 4; // as long as a fetch took: a page that is dear, or a server that is busy, is asked less often
const MOST_REST_MS = 4000;
const GIVE_UP_MS = 15000;
const ANYWAY_MS = 30000; // a vote grows old without an event

const region = document.getElementById("live");
const pill = document.getElementById("live-pill");
const word = document.getElementById("live-word");

let source = null;
let retry = 0;
let paused = false;
let after = region?.dataset.after ?? ""; // the newest event that the page as it came shows
let missed = !after; // events may have passed while there was no stream
let wanted = false;
let fetching = false;

function show(state) {
  const words = { live: "Live", paused: "Paused", reconnecting: "Reconnecting" };
  pill.dataset.state = state;
  word.textContent = words[state];
  pill.title = state === "paused" ? "Go on with live updates" : "Pause live updates";
}

function open() {
  clearTimeout(retry);
  source = new EventSource(region.dataset.events + (after && `?after=${after}`));
  after = "";
  source.addEventListener("open", () => {
    show("live");
    if (missed) refresh();
    missed = false;
  });
  source.addEventListener("error", () => {
    missed = true;
    show("reconnecting");
    if (source.readyState === EventSource.CLOSED) {
      retry = setTimeout(open, GIVE_UP_MS);
      refresh(); // signed out, perhaps: then the answer is the front page
    }
  });
  for (const name of ALWAYS) source.addEventListener(name, refresh);
  source.addEventListener("check.completed", (event) => {
    if (concerns(JSON.parse(event.data).monitor_id)) refresh();
  });
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
  missed = true;
}

function concerns(monitor) {
  return region.dataset.events.endsWith(monitor) || region.querySelector(`[data-key="${CSS.escape(monitor)}"]`);
}

async function refresh() {
  wanted = true;
  if (fetching) return;
  fetching = true;
  while (wanted && !paused) {
    wanted = false;
    const began = performance.now();
    await load();
    const rest = Math.min(Math.max(REST_MS, REST_TIMES * (performance.now() - began)), MOST_REST_MS);
    await new Promise((done) => setTimeout(done, rest));
  }
  fetching = false;
}

async function load() {
  // A form that was refused is shown at its own address: what lives on the page is then at the page's.
  const address = new URL(region.dataset.page ?? location.href, location.href);
  address.searchParams.set("fragment", "1");
  address.hash = "";
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (answer.redirected || answer.status === 404) location.reload();
    else if (answer.ok) lay(await answer.text());
  } catch {
    // the network is away; the stream says so, and its return brings a refresh
  }
}

function lay(html) {
  const fresh = region.cloneNode(false);
  fresh.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  // What is being typed is worth more than what the server thinks is in the field.
  for (const field of fresh.querySelectorAll("input[type=search], input[type=text]")) {
    const typed = document.getElementById(field.id);
    if (typed) field.setAttribute("value", typed.getAttribute("value") ?? "");
  }
  const focused = document.activeElement;
  morph(region, fresh);
  // An element that had to be moved has lost the focus on the way.
  if (focused.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  document.title = region.querySelector("[data-title]")?.dataset.title ?? document.title;
  tick();
}

function pause() {
  paused = !paused;
  if (paused) {
    close();
    show("paused");
  } else {
    show("reconnecting");
    open();
  }
}

setInterval(tick, 5000);
setInterval(() => source?.readyState === EventSource.OPEN && refresh(), ANYWAY_MS);
if (region?.dataset.events) {
  pill.hidden = false;
  pill.addEventListener("click", pause);
  show("reconnecting");
  open();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!paused && !source) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted && !paused) open();
  });
}

// On a phone the sections are wider than the screen: the one that one is in is brought into sight.
const sections = document.querySelector(".sections");
const here = sections?.querySelector("[aria-current]");
if (here) sections.scrollLeft = here.offsetLeft - (sections.clientWidth - here.clientWidth) / 2;
