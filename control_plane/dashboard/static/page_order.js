// Lines of a status page are put in order by buttons; with this also by dragging them, under another heading if need be.
const place = document.querySelector("[data-arrange]");
const drop = document.getElementById("drop");
let dragged = null;

for (const grip of place?.querySelectorAll(".grip") ?? []) {
  grip.hidden = false;
  const line = grip.closest(".arranged-line");
  grip.addEventListener("pointerdown", () => { line.draggable = true; });
  line.addEventListener("dragstart", (event) => {
    dragged = line;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", line.dataset.component);
    line.classList.add("dragged");
  });
  line.addEventListener("dragend", () => {
    line.draggable = false;
    line.classList.remove("dragged");
    clear();
    dragged = null;
  });
}

place?.addEventListener("dragover", (event) => {
  const part = event.target.closest("[data-heading]");
  if (!dragged || !part) return;
  event.preventDefault();
  clear();
  const next = below(part, event.clientY);
  (next ?? part.querySelector(".arranged-lines")).classList.add(next ? "before-here" : "at-the-end");
});

place?.addEventListener("drop", (event) => {
  const part = event.target.closest("[data-heading]");
  if (!dragged || !part) return;
  event.preventDefault();
  const next = below(part, event.clientY);
  const here = location.pathname.replace(/\/components.*$/, "/components");
  drop.action = `${here}/${dragged.dataset.component}/move`;
  drop.elements.before.value = next?.dataset.component ?? "";
  drop.elements.heading.value = part.dataset.heading;
  drop.submit();
});

// The first line of the part whose middle is below the pointer.
function below(part, y) {
  const lines = [...part.querySelectorAll(".arranged-line")].filter((line) => line !== dragged);
  return lines.find((line) => y < line.getBoundingClientRect().top + line.offsetHeight / 2);
}

function clear() {
  for (const each of place.querySelectorAll(".before-here, .at-the-end")) each.classList.remove("before-here", "at-the-end");
}
