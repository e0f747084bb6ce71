// Reading a chart by pointer or keyboard. What is read stands in the table that the figure names; nothing is fetched.
// Left and right move the cursor, Home and End go to the ends, Escape puts it away.

function words(table, row) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  const [when, ...values] = [...row.cells].map((cell) => cell.textContent);
  const said = values.map((value, at) => (heads[at + 1] === "State" ? value : `${heads[at + 1].toLowerCase()} ${value}`));
  return `${when}: ${said.join(", ")}`;
}

function read(figure) {
  const table = document.getElementById(figure.dataset.chart);
  const rows = [...(table?.tBodies[0]?.rows ?? [])];
  const reading = figure.querySelector(".reading");
  const cursor = figure.querySelector(".cursor");
  const plot = figure.querySelector("svg");
  if (!rows.length) return;
  let at = -1;

  function go(to) {
    at = Math.min(Math.max(to, 0), rows.length - 1);
    const box = cursor.ownerSVGElement.viewBox.baseVal;
    const x = ((at + 0.5) / rows.length) * box.width;
    cursor.setAttribute("d", `M${x} 0V${box.height}`);
    cursor.setAttribute("visibility", "visible");
    reading.textContent = words(table, rows[at]);
  }

  function away() {
    at = -1;
    cursor.setAttribute("visibility", "hidden");
    reading.textContent = "";
  }

  const keys = {
    ArrowLeft: () => go(at < 0 ? rows.length - 1 : at - 1),
    ArrowRight: () => go(at + 1),
    Home: () => go(0),
    End: () => go(rows.length - 1),
    Escape: away,
  };
  figure.tabIndex = 0;
  figure.setAttribute("role", "application");
  figure.setAttribute("aria-roledescription", "chart");
  figure.setAttribute("aria-label", `${figure.getAttribute("aria-label")}. Arrow keys read the values.`);
  figure.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    go(Math.floor(((event.clientX - box.left) / box.width) * rows.length));
  });
  plot.addEventListener("pointerleave", () => figure !== document.activeElement && away());
}

document.querySelectorAll("[data-chart]").forEach(read);
