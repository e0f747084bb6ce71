// A page that waits for somebody to send a code turns by itself once that has happened, or once it is too late.
const place = document.getElementById("wait");
const EVERY_MS = 2500;

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(place.dataset.wait, { headers: { Accept: "text/html" } });
    const text = await answer.text();
    if (answer.redirected || !text.includes('data-link-state="pending"')) location.assign(answer.url);
  } catch {
    // the network is away; the next look may fare better
  }
}

if (place?.dataset.wait) setInterval(look, EVERY_MS);
