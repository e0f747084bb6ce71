// The service worker: shows what is pushed, leads to it on a click, and renews the subscription when it is replaced.
// It answers no requests of pages: they always come from the server.
const STORE = "farwatch-push"; // as push_state.js has it; a worker that is no module imports nothing
const KEY = "/push-state";
const LIST = "/api/v1/push-subscriptions";
const ICON = "/static/0/icon-192.png";
const BADGE = "/static/0/badge-96.png";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(lead(event.action, event.notification.data ?? {}));
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

// A browser takes the permission away from whoever is pushed to and shows nothing, so something is always shown.
async function show(data) {
  const told = read(data);
  const alarm = told.tone === "alarm";
  const tag = text(told.tag, 64);
  await self.registration.showNotification(text(told.title, 200) || "Farwatch", {
    body: text(told.body, 2000),
    tag,
    renotify: alarm && tag !== "",
    requireInteraction: alarm,
    silent: told.tone === "note",
    icon: ICON,
    badge: BADGE,
    timestamp: Date.parse(told.sent_at) || Date.now(),
    actions: ours(told.acknowledge_url) ? [{ action: "acknowledge", title: "Acknowledge" }] : [],
    data: { url: ours(told.url), acknowledge: ours(told.acknowledge_url) },
  });
}

function read(data) {
  try {
    const told = data?.json();
    return told !== null && typeof told === "object" ? told : {};
  } catch {
    return { body: "There is news. Open the dashboard to read it." };
  }
}

function text(value, most) {
  return typeof value === "string" ? value.slice(0, most) : "";
}

// The address, if it is one of this site; else nothing: a notification leads nowhere else.
function ours(address) {
  try {
    const url = new URL(address, self.location.origin);
    return typeof address === "string" && address !== "" && url.origin === self.location.origin ? url.href : "";
  } catch {
    return "";
  }
}

async function lead(action, data) {
  const there = (action === "acknowledge" && ours(data.acknowledge)) || ours(data.url) || `${self.location.origin}/app`;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = windows.find((each) => each.url === there);
  return open ? open.focus() : self.clients.openWindow(there);
}

async function renew(event) {
  const cache = await caches.open(STORE);
  const state = await (await cache.match(KEY))?.json();
  if (!state) return;
  const options = event.oldSubscription?.options ?? { userVisibleOnly: true, applicationServerKey: await serverKey() };
  const fresh = event.newSubscription ?? await self.registration.pushManager.subscribe(options);
  const me = await (await fetch("/api/v1/me")).json();
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": me.session?.csrf_token ?? "" };
  const { endpoint, keys } = fresh.toJSON();
  const body = JSON.stringify({ endpoint, keys, name: state.name, replaces: state.id });
  const answer = await fetch(LIST, { method: "POST", headers, body });
  if (answer.status !== 201) return; // signed out: the page makes up for it when it is next opened
  const made = await answer.json();
  await cache.put(KEY, new Response(JSON.stringify({ id: made.id, endpoint, name: made.name })));
}

async function serverKey() {
  return (await (await fetch(`${LIST}/key`)).json()).public_key;
}
