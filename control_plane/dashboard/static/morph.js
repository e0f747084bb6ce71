// Make one tree of elements like another and leave alone what is alike already: focus, scrolling and what was typed
// or unfolded stay. Children with a data-key are matched by it, all others by their place. What has data-still is left.

export function morph(old, fresh) {
  attributes(old, fresh);
  const kept = new Set([...fresh.children].map((child) => child.dataset.key));
  const keyed = new Map();
  for (const child of [...old.children]) {
    if (!child.dataset.key) continue;
    // What is gone goes first: nothing behind it has to be moved past it then, and a moved element loses the focus.
    if (kept.has(child.dataset.key)) keyed.set(child.dataset.key, child);
    else child.remove();
  }
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const match = counterpart(wanted, place, keyed);
    if (!match) {
      old.insertBefore(document.importNode(wanted, true), place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else old.insertBefore(match, place);
    if (match.nodeType === Node.ELEMENT_NODE) {
      if (!("still" in match.dataset || match.isEqualNode(wanted))) morph(match, wanted);
    } else if (match.data !== wanted.data) match.data = wanted.data;
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

function counterpart(wanted, place, keyed) {
  const key = wanted.dataset?.key;
  if (key) {
    const found = keyed.get(key);
    keyed.delete(key);
    return found;
  }
  return place && place.nodeName === wanted.nodeName && !place.dataset?.key ? place : null;
}

function attributes(old, fresh) {
  // What somebody has folded or unfolded stays so.
  const own = (name) => name === "open" && old.nodeName === "DETAILS";
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !own(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !own(name)) old.setAttribute(name, value);
  }
}
