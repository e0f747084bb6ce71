// Subscribes this browser to a status page, on a click alone. Where it cannot, the part stays hidden: there are others.
const box = document.getElementById("push");
const form = document.getElementById("push-form");
const off = document.getElementById("push-off");
const base = box.dataset.base;

function say(what) {
  for (const each of box.querySelectorAll("[data-say]")) each.hidden = each.dataset.say !== what;
  form.hidden = what === "on" || what === "wait";
  off.hidden = !form.hidden;
}

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
}

function chosen() {
  const fields = new FormData(form);
  return fields.get("about") === "some" ? fields.getAll("c") : null;
}

async function worker() {
  // Its own scope, beside the dashboard's worker: nothing of one is ever the other's.
  return navigator.serviceWorker.register(`${base}/sw.js`, { scope: `${base}/` });
}

async function start() {
  if (await Notification.requestPermission() !== "granted") return say("denied");
  const registration = await worker();
  await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: bytes(box.dataset.key) };
  const subscription = await registration.pushManager.subscribe(options);
  const { endpoint, keys } = subscription.toJSON();
  const body = JSON.stringify({ type: "web_push", subscription: { endpoint, keys }, component_ids: chosen() });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${box.dataset.api}/subscribe`, { method: "POST", headers, body });
  if (!answer.ok) await subscription.unsubscribe();
  say(answer.ok ? "wait" : "failed");
}

async function stop() {
  const registration = await navigator.serviceWorker.getRegistration(`${base}/`);
  // The push service says that it is gone, and the address is forgotten with the next message.
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  say("ask");
}

async function show() {
  const registration = await navigator.serviceWorker.getRegistration(`${base}/`);
  const own = registration && new URL(registration.scope).pathname === `${base}/`;
  const subscription = own ? await registration.pushManager.getSubscription() : null;
  say(subscription ? "on" : Notification.permission === "denied" ? "denied" : "ask");
  box.hidden = false;
}

if (window.isSecureContext && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start().catch(() => say("failed"));
  });
  off.addEventListener("click", () => stop().catch(() => say("failed")));
  show();
}
