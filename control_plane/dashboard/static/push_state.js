// What this browser is subscribed as. A cache holds it, because the page and the service worker both reach that.
const STORE = "farwatch-push";
const KEY = "/push-state";

export async function keep(state) {
  await (await caches.open(STORE)).put(KEY, new Response(JSON.stringify(state)));
}

export async function kept() {
  const found = await (await caches.open(STORE)).match(KEY);
  return found ? found.json() : null;
}

export async function forget() {
  await caches.delete(STORE);
}
