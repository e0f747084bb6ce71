// Search and "Try it" on /docs. The pages are complete without this.
const kept = "farwatch.docs.key";
const variables = { tenant: "$FARWATCH_KEY", operator: "$FARWATCH_OPERATOR_SECRET" };

function readKey() {
  try {
    return sessionStorage.getItem(kept) ?? "";
  } catch {
    return ""; // storage may be denied; then the field alone holds it
  }
}

function keepKey(key) {
  try {
    sessionStorage.setItem(kept, key);
  } catch {
    // as above
  }
}

function searching(form) {
  const lines = [...document.querySelectorAll("[data-words]")];
  const found = document.getElementById("docs-found");
  const field = document.getElementById("docs-search");
  const search = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const line of lines) line.hidden = !words.every((word) => line.dataset.words.toLowerCase().includes(word));
    for (const chapter of document.querySelectorAll("[data-chapter]")) {
      chapter.hidden = !chapter.querySelector("[data-words]:not([hidden])");
    }
    const count = lines.filter((line) => !line.hidden).length;
    found.textContent = words.length ? `${count} of ${lines.length} operations` : "";
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", search);
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function requestOf(section) {
  const { method, path, media } = section.dataset;
  const headers = {};
  const query = new URLSearchParams();
  let filled = path;
  for (const field of section.querySelectorAll("[data-in]")) {
    const { in: place, name } = field.dataset;
    if (place === "path") filled = filled.replace(`{${name}}`, field.value ? encodeURIComponent(field.value) : `{${name}}`);
    else if (field.value && place === "query") query.append(name, field.value);
    else if (field.value) headers[name] = field.value;
  }
  const body = section.querySelector("[data-body]")?.value;
  if (body) headers["Content-Type"] = media;
  return { method, url: filled + (query.size ? `?${query}` : ""), headers, body: body || undefined };
}

function curlOf(section, request) {
  const parts = ["curl"];
  if (request.method !== "GET") parts.push(`-X ${request.method}`);
  const variable = variables[section.dataset.door];
  if (variable) parts.push(`-H "Authorization: Bearer ${variable}"`);
  for (const [name, value] of Object.entries(request.headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (request.body) parts.push(`-d ${quoted(request.body)}`);
  return [...parts, quoted(location.origin + request.url)].join(" \\\n  ");
}

function block(title, text) {
  const heading = document.createElement("h4");
  heading.textContent = title;
  const pre = document.createElement("pre");
  pre.className = "command";
  pre.tabIndex = 0;
  pre.textContent = text;
  return [heading, pre];
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function answered(section, request, key) {
  const headers = key && section.dataset.door !== "public" ? { ...request.headers, Authorization: `Bearer ${key}` } : request.headers;
  const status = document.createElement("p");
  status.dataset.status = "";
  try {
    // No cookie goes along: what is tried is what a program with this key may do.
    const reply = await fetch(request.url, { ...request, headers, credentials: "omit", cache: "no-store" });
    const text = await reply.text();
    status.textContent = `${reply.status} ${reply.statusText}`;
    const told = [...reply.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    return [status, ...block("Headers", told), ...(text ? block("Body", readable(text)) : [])];
  } catch (error) {
    status.textContent = `No answer: ${error.message}`;
    return [status];
  }
}

function trying(section, key) {
  const form = section.querySelector("[data-try]");
  if (!form) return;
  const curl = section.querySelector("[data-curl]");
  const answer = section.querySelector("[data-answer]");
  const button = form.querySelector("button");
  section.querySelector(".try").hidden = false;
  form.addEventListener("input", () => { curl.textContent = curlOf(section, requestOf(section)); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    const request = requestOf(section);
    curl.textContent = curlOf(section, request);
    answer.replaceChildren(...(await answered(section, request, key.value.trim())));
    button.disabled = false;
  });
}

const search = document.querySelector(".docs-search");
if (search) searching(search);
const key = document.getElementById("docs-key");
if (key) {
  const form = key.closest("form");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  key.value = readKey();
  key.addEventListener("input", () => keepKey(key.value.trim()));
  for (const section of document.querySelectorAll(".operation")) trying(section, key);
}
