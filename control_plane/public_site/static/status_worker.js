// The service worker of one status page: says yes for the browser that asked, and shows what is pushed.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data?.url || self.registration.scope.slice(0, -1)));
});

async function show(data) {
  const told = read(data);
  const there = ours(told.url);
  const asks = there.includes("/confirm/");
  if (asks) await fetch(there, { method: "POST", credentials: "omit" }).catch(() => undefined);
  await self.registration.showNotification(text(told.title, 200), {
    body: text(told.body, 2000),
    tag: text(told.tag, 64),
    data: { url: asks ? "" : there },
  });
}

function read(data) {
  try {
    const told = data?.json();
    return told !== null && typeof told === "object" ? told : {};
  } catch {
    return {};
  }
}

function text(value, most) {
  return typeof value === "string" ? value.slice(0, most) : "";
}

// The path alone, at this host, and below this page: it may be reached by a domain of its own.
function ours(address) {
  try {
    const path = new URL(address, self.location.origin).pathname;
    const page = new URL(self.registration.scope).pathname;
    return path.startsWith(page) || `${path}/` === page ? `${self.location.origin}${path}` : "";
  } catch {
    return "";
  }
}
