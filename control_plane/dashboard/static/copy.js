// A button that copies the text of what it names. Without scripts it stays hidden: the text can be selected.
function wake() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) {
    button.hidden = !navigator.clipboard; // only where the page came over a secure connection
  }
}

async function copy(button) {
  if (button.dataset.busy) return;
  const words = [...button.childNodes];
  button.dataset.busy = "yes";
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it and copy by hand";
  }
  setTimeout(() => {
    button.replaceChildren(...words);
    delete button.dataset.busy;
  }, 3000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("fresh", wake);
wake();
