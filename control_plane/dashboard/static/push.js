// Subscribes this browser. Permission is asked for on a click alone; what cannot be done is said, with what helps.
import { keep, kept, forget } from "./push_state.js";

const box = document.getElementById("push");
const words = document.getElementById("push-words");
const on = document.getElementById("push-on");
const off = document.getElementById("push-off");
const LIST = "/api/v1/push-subscriptions";

function missing() {
  if (!window.isSecureContext) return "This page did not come over https, so the browser allows no notifications. Ask the operator of this installation for an https address.";
  if ("serviceWorker" in navigator && "PushManager" in window && "Notification" in window) return "";
  if (/iPhone|iPad/.test(navigator.userAgent)) return "On this device, first add Farwatch to the home screen (Share, then Add to Home Screen), and open it from there.";
  return "This browser has no push notifications. Another one has, or an e-mail or ntfy channel tells you as well.";
}

function say(text, { canStart = false, canStop = false } = {}) {
  words.textContent = text;
  on.hidden = !canStart;
  off.hidden = !canStop;
}

async function ask(path, options = {}) {
  const headers = { "X-CSRF-Token": box.dataset.csrf, "Content-Type": "application/json" };
  const answer = await fetch(path, { headers, ...options });
  const body = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(body?.error?.message ?? `The server answered ${answer.status}`);
  return body;
}

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

function name() {
  const agent = navigator.userAgentData;
  const browser = agent?.brands?.find((each) => !/Not.?A/i.test(each.brand) && each.brand !== "Chromium")?.brand
    ?? /(Firefox|Edg|Chrome|Safari)/.exec(navigator.userAgent)?.[1] ?? "Browser";
  const system = agent?.platform || /(Android|iPhone|iPad|Mac|Windows|Linux)/.exec(navigator.userAgent)?.[1] || "";
  return system ? `${browser} on ${system}` : browser;
}

async function tell(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const before = await kept();
  const body = JSON.stringify({ endpoint, keys, name: before?.name ?? name(), replaces: before?.id ?? null });
  const made = await ask(LIST, { method: "POST", body });
  await keep({ id: made.id, endpoint, name: made.name });
}

async function start() {
  on.disabled = true;
  try {
    if (await Notification.requestPermission() !== "granted") return denied();
    const { public_key: key } = await ask(`${LIST}/key`);
    const registration = await navigator.serviceWorker.register("/sw.js", { scope: "/" });
    await navigator.serviceWorker.ready;
    const options = { userVisibleOnly: true, applicationServerKey: bytes(key) };
    await tell(await subscribed(registration.pushManager, options));
    location.reload();
  } catch (error) {
    say(`That did not work: ${error.message}`, { canStart: true });
  } finally {
    on.disabled = false;
  }
}

// A subscription that was made with another key of ours stands in the way of a new one.
async function subscribed(manager, options) {
  try {
    return await manager.subscribe(options);
  } catch (error) {
    const before = await manager.getSubscription();
    if (error.name !== "InvalidStateError" || !before) throw error;
    await before.unsubscribe();
    return manager.subscribe(options);
  }
}

async function stop() {
  const state = await kept();
  const registration = await navigator.serviceWorker.getRegistration("/");
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  if (state) await ask(`${LIST}/${state.id}`, { method: "DELETE" }).catch(() => null); // it may be gone already
  await forget();
  location.reload();
}

function denied() {
  say("This browser was told not to show notifications of this site. Allow them in the settings of the site (the sign beside the address), then load this page again.");
}

async function look() {
  const lack = missing();
  if (lack) return say(lack);
  if (Notification.permission === "denied") return denied();
  const state = await kept();
  const registration = await navigator.serviceWorker.getRegistration("/");
  const subscription = await registration?.pushManager.getSubscription();
  const row = state && document.querySelector(`[data-subscription="${CSS.escape(state.id)}"]`);
  if (row) row.querySelector("[data-here]").hidden = false;
  if (!subscription || !row) return say("This browser is not told yet.", { canStart: true });
  say("This browser is told of incidents.", { canStop: true });
  if (subscription.endpoint !== state.endpoint) await tell(subscription); // it was renewed while nobody was signed in
}

if (box) {
  on.addEventListener("click", start);
  off.addEventListener("click", stop);
  look();
}
