// A form with data-preview shows what it would do while it is typed: the page that its preview button would answer with
// is fetched, and the part of it that the form names laid in.
const REST_MS = 400;

for (const form of document.querySelectorAll("form[data-preview]")) {
  const place = document.getElementById(form.dataset.preview);
  const button = form.querySelector("[data-scriptless]");
  if (button) button.hidden = true; // it shows what is shown anyway
  let timer = 0;
  let newest = 0;
  const show = async () => {
    const mine = ++newest;
    const typed = new URLSearchParams(new FormData(form));
    typed.set("do", "preview");
    try {
      const answer = await fetch(form.action, { method: "POST", body: typed, headers: { Accept: "text/html" } });
      if (mine !== newest || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(form.dataset.preview);
      if (!fresh) return;
      place.replaceChildren(...fresh.childNodes);
      place.dispatchEvent(new Event("fresh", { bubbles: true }));
    } catch {
      // the network is away; the button says so
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, REST_MS);
  });
}
