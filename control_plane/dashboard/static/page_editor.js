// The editor of a status page works without this, by its Preview button; with it the preview follows what is typed.
import { morph } from "./morph.js";

const REST_MS = 350;
const DESKTOP_PX = 1080;

// A new page: its address is made from its name until somebody types one.
const fresh = document.querySelector("[data-new-page]");
if (fresh) {
  const { title, slug } = fresh.elements;
  let own = slug.value !== "";
  slug.addEventListener("input", () => { own = slug.value !== ""; });
  title.addEventListener("input", () => {
    if (own) return;
    const plain = title.value.replaceAll("ß", "ss").normalize("NFKD").toLowerCase().replace(/[\u0300-\u036f]/g, "");
    slug.value = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 53).replace(/-$/, "");
  });
}

// What is wrong first is where one goes on.
document.querySelector('main [aria-invalid="true"]:not(fieldset)')?.focus();

const form = document.getElementById("page-form");
const frame = document.getElementById("preview");
if (form && frame) follow();

function follow() {
  const button = form.querySelector("[data-preview-button]");
  const unsaved = document.getElementById("unsaved");
  let timer = 0;
  let drawing = false;
  let again = false;

  // One at a time: what is typed while a page is drawn is drawn after it.
  async function show() {
    again = drawing;
    if (drawing) return;
    drawing = true;
    await draw();
    drawing = false;
    if (again) show();
  }

  async function draw() {
    const typed = new FormData(form);
    typed.delete("logo");
    try {
      const answer = await fetch(`${form.action}/preview`, { method: "POST", body: typed, headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      const told = await answer.json();
      lay(told.page);
      for (const swatch of told.swatches) say(swatch);
    } catch {
      // the network is away; the next change may fare better
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(show, REST_MS);
  }

  if (button) button.hidden = true;
  form.elements.logo?.addEventListener("change", weigh);
  for (const field of form.querySelectorAll("[data-colour]")) addPicker(field);
  form.addEventListener("input", (event) => {
    if (event.target.name !== "theme" && unsaved) unsaved.textContent = unsaved.dataset.words;
    later();
  });
  for (const radio of document.querySelectorAll('.preview input[name="theme"]')) radio.addEventListener("change", show);
  for (const radio of document.querySelectorAll('.preview input[name="width"]')) radio.addEventListener("change", fit);
  if (frame.parentElement.clientWidth < 480) document.querySelector('.preview input[value="phone"]').checked = true;
  new ResizeObserver(fit).observe(frame.parentElement);
  fit();
}

// The document in the frame becomes like the new one: it neither flashes nor loses its place.
function lay(text) {
  const inside = frame.contentDocument;
  const drawn = new DOMParser().parseFromString(text, "text/html");
  if (inside?.documentElement) morph(inside.documentElement, drawn.documentElement);
}

function say({ name, colour, words, good }) {
  const field = form.querySelector(`[data-colour="${name}"]`);
  field.querySelector("rect").setAttribute("fill", colour);
  const picker = field.querySelector("input[type=color]");
  if (picker) picker.value = colour;
  const said = field.querySelector(".contrast");
  if (said.textContent !== words) said.textContent = words;
  if (said.hidden) {
    said.hidden = false;
    field.querySelector(".problem").remove();
    field.querySelector("input:not([type=color])").removeAttribute("aria-invalid");
  }
  said.classList.toggle("good", good);
  said.classList.toggle("bad", !good);
}

// A picture that would be refused for its size is not sent in the first place.
function weigh(event) {
  const input = event.target;
  const large = (input.files[0]?.size ?? 0) > 2 * 1024 * 1024;
  input.ariaInvalid = large ? "true" : null;
  const hint = document.getElementById("logo-hint");
  hint.dataset.words ??= hint.textContent;
  hint.classList.toggle("problem", large);
  hint.textContent = large ? "This picture has more than 2 MiB: choose a smaller one." : hint.dataset.words;
  if (large) input.value = "";
}

function addPicker(field) {
  const text = field.querySelector("input");
  const picker = document.createElement("input");
  picker.type = "color";
  picker.className = "picker";
  picker.ariaLabel = `${field.querySelector("label").textContent}: choose`;
  picker.value = field.querySelector("rect").getAttribute("fill");
  picker.disabled = text.matches(":disabled");
  picker.addEventListener("input", () => {
    text.value = picker.value;
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
  field.querySelector(".swatch").replaceWith(picker);
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  drawn.setAttribute("fill", picker.value);
  picker.append(drawn);
}

// A desktop is wider than there is room for: it is drawn as wide as it is, and made smaller.
function fit() {
  const screen = frame.parentElement;
  const desktop = document.querySelector('.preview input[value="desktop"]').checked;
  const scale = desktop ? Math.min(1, screen.clientWidth / DESKTOP_PX) : 1;
  screen.classList.toggle("scaled", desktop);
  frame.style.setProperty("--wide", `${DESKTOP_PX}px`);
  frame.style.setProperty("--scale", scale);
}
