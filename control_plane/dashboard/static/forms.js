// Forms work without this; with it rows are added where they are needed and a test shows its outcome on the spot.

function isEmpty(row) {
  return [...row.querySelectorAll("input")].every((input) => (input.type === "checkbox" ? !input.checked : !input.value));
}

// Rows of name and value, and steps: one empty row at the end, another when that has something in it.
function tend(rows) {
  const all = [...rows.querySelectorAll(":scope > [data-row]")];
  const blank = all.at(-1).cloneNode(true);
  for (const input of blank.querySelectorAll("input")) {
    if (input.type === "checkbox") input.checked = false;
    else input.setAttribute("value", "");
    if (input.type !== "checkbox") input.value = "";
  }
  for (const row of all.slice(1).reverse()) {
    if (!isEmpty(row) || !isEmpty(row.previousElementSibling)) break;
    row.remove();
  }
  rows.addEventListener("input", () => {
    if (isEmpty(rows.lastElementChild) || rows.childElementCount >= (blank.hasAttribute("data-numbered") ? 10 : 50)) return;
    rows.append(numbered(blank.cloneNode(true), rows.childElementCount));
  });
}

function numbered(row, at) {
  if (!row.hasAttribute("data-numbered")) return row;
  row.querySelector("legend").textContent = `Step ${at + 1}`;
  for (const input of row.querySelectorAll("input")) {
    input.name = input.name.replace(/-\d+-/, `-${at}-`);
    if (input.ariaLabel) input.ariaLabel = input.ariaLabel.replace(/\d+/, at + 1);
  }
  return row;
}

async function test(event) {
  const button = event.currentTarget;
  const place = document.getElementById("test");
  event.preventDefault();
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  place.textContent = "Asking a region to check now…";
  const address = new URL(button.formAction);
  address.searchParams.set("fragment", "1");
  address.hash = "";
  try {
    const answer = await fetch(address, { method: "POST", body: new URLSearchParams(new FormData(button.form)) });
    if (answer.ok && !answer.redirected) lay(place, await answer.text());
    else again(button);
  } catch {
    place.textContent = "The control plane cannot be reached. Try again.";
  }
  button.ariaBusy = "false";
}

function lay(place, html) {
  place.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  place.scrollIntoView({ block: "nearest" });
}

// A field is wrong, or nobody is signed in any more: the whole page says which and why.
function again(button) {
  button.removeEventListener("click", test);
  button.click();
}

for (const rows of document.querySelectorAll("[data-rows]")) tend(rows);
for (const button of document.querySelectorAll("[data-test]")) button.addEventListener("click", test);

// What is pasted may have several lines, and Enter is still what says "go on".
const paste = document.getElementById("paste");
paste?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  paste.form.requestSubmit();
});
