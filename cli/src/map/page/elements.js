// Elements of the page. Every text comes in as text, and nothing else comes in: names in a cluster are other people's.

const $ = (id) => document.getElementById(id);

/** An element with attributes, classes and children; texts become text nodes. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === undefined || child === null || child === false) continue;
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

/** A text whose direction of writing changes nothing around it. */
const text = (content, kind) => element("bdi", { class: kind }, content);

const number = new Intl.NumberFormat("en");
const count = (amount, one, many) => `${number.format(amount)} ${amount === 1 ? one : many}`;

const SIGNS = {
  ready: ["✓", "ready"],
  degraded: ["!", "degraded"],
  unreported: ["?", "no report"],
  down: ["✕", "not ready"],
};

/** The sign of a node's state, with its word for those who do not see it. */
function sign(state) {
  const [letter, word] = SIGNS[state];
  return element("span", { class: `sign ${state}`, role: "img", "aria-label": word, title: word }, letter);
}

/** A bar of what is held. */
function bar(held, total) {
  const fill = element("div", { class: "fill" });
  fill.style.width = total > 0 ? `${(100 * held) / total}%` : "0";
  return element("div", { class: "bar" }, element("div", { class: "track" }, fill), `${number.format(held)}/${number.format(total)}`);
}

/** Says something, unless that is what is said already: who listens to it hears it once. */
function say(place, words) {
  if (place.textContent !== words) place.textContent = words;
}

/** What stands for the same thing among the children of an element. */
const keyOf = (node) => node.dataset?.key;

/**
 * Makes an element like another one, and keeps of it whatever is the same: the focus, what is selected and how far it is
 * scrolled stay. Which one of several the Tab key reaches stays as well.
 */
function renew(old, made) {
  for (const { name } of [...old.attributes]) {
    if (name !== "tabindex" && name !== "style" && !made.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of made.attributes) {
    if (name !== "tabindex" && name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  // The page's policy lets nobody write the attribute.
  const style = made.style.cssText;
  if (old.style.cssText !== style) old.style.cssText = style;
  renewChildren(old, made.childNodes);
}

/** The same for what is within an element. Children with a key are known by it, others by their order. */
function renewChildren(old, children) {
  const wanted = [...children];
  const keys = new Set(wanted.map(keyOf));
  const kept = new Map();
  for (const child of [...old.childNodes]) {
    if (keyOf(child) === undefined) continue;
    if (keys.has(keyOf(child))) kept.set(keyOf(child), child);
    else child.remove();
  }
  let next = old.firstChild;
  for (const made of wanted) {
    let found = kept.get(keyOf(made));
    if (keyOf(made) === undefined) {
      found = next;
      while (found && keyOf(found) !== undefined) found = found.nextSibling;
    }
    if (found?.nodeName !== made.nodeName) {
      old.insertBefore(made, next);
      continue;
    }
    if (found === next) next = next.nextSibling;
    else old.insertBefore(found, next);
    if (found.isEqualNode(made)) continue;
    if (found.nodeType === Node.TEXT_NODE) found.data = made.data;
    else renew(found, made);
  }
  while (next) {
    const last = next;
    next = next.nextSibling;
    last.remove();
  }
}

/** Lets the Tab key reach one among several, where it was before if it can. */
function reachOne(elements) {
  const reached = elements.filter((one) => one.tabIndex === 0);
  const to = reached.find((one) => one === document.activeElement) ?? reached.at(-1) ?? elements[0];
  for (const one of elements) if ((one.tabIndex === 0) !== (one === to)) one.tabIndex = one === to ? 0 : -1;
}

/** Moves the one place that the Tab key reaches among several, and the focus with it. */
function rove(elements, to) {
  for (const one of elements) one.tabIndex = one === to ? 0 : -1;
  to.focus();
}

/** Arrow keys, Home and End within a row of elements. Returns whether the key was one of them. */
function roveByKey(event, elements) {
  const at = elements.indexOf(document.activeElement);
  if (at < 0) return false;
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  let to;
  if (step !== undefined) to = at + step;
  else if (event.key === "Home") to = 0;
  else if (event.key === "End") to = elements.length - 1;
  else return false;
  event.preventDefault();
  const found = elements[Math.min(Math.max(to, 0), elements.length - 1)];
  rove(elements, found);
  return true;
}
