// The nodes as tiles. Only those that can be seen are elements, so that a thousand nodes cost what forty do.

/** From so many tiles on they are small. */
const COMPACT_FROM = 100;
const GAP = 8;

const overview = {
  shown: [],
  /** The place of the tile that the Tab key reaches. */
  at: 0,
  /** The name of the node that is open. */
  open: undefined,
  /** The tiles that are there, by the names of their nodes. */
  made: new Map(),
  columns: 1,
  compact: false,
  width: 0,
  height: 0,
};

function layOut() {
  const compact = overview.shown.length >= COMPACT_FROM;
  overview.compact = compact;
  const tiles = $("tiles");
  tiles.classList.toggle("compact", compact);
  const room = Math.max(tiles.clientWidth, 100);
  const least = Math.min(compact ? 132 : 210, room);
  overview.columns = Math.max(1, Math.floor((room + GAP) / (least + GAP)));
  overview.width = (room - GAP * (overview.columns - 1)) / overview.columns;
  overview.height = compact ? 44 : 138;
  const rows = Math.ceil(overview.shown.length / overview.columns);
  tiles.style.height = `${Math.max(0, rows * (overview.height + GAP) - GAP)}px`;
}

/** The first and the last place that can be seen, with a screen above and below for the finger and the wheel. */
function visiblePlaces() {
  const view = $("overview");
  const row = overview.height + GAP;
  const top = view.scrollTop - $("tiles").offsetTop;
  const room = Math.min(view.clientHeight, window.innerHeight * 1.5);
  const first = Math.floor((top - room / 2) / row);
  const last = Math.ceil((top + room * 1.5) / row);
  const most = overview.shown.length - 1;
  return [Math.max(0, first * overview.columns), Math.min(most, last * overview.columns)];
}

function tile(summary) {
  const node = summary.node;
  const [held, total] = summary.devices(filter.resource);
  const pods = (node.pods ?? []).length;
  const networks = summary.networks.size;
  const [, word] = SIGNS[node.state];
  const label = `${node.name}, ${word}${node.cordoned ? ", cordoned" : ""}, ${held} of ${total} devices held, ${count(pods, "pod", "pods")}`;
  return element(
    "button",
    {
      class: `tile ${node.state}`,
      type: "button",
      "aria-label": label,
      "aria-expanded": String(overview.open === node.name),
      "data-node": node.name,
      title: [node.name, ...(node.reasons ?? []).map((reason) => reason.text)].join("\n"),
    },
    element(
      "span",
      { class: "head" },
      sign(node.state),
      text(node.name, "name"),
      node.cordoned && element("span", { class: "cordoned", title: "cordoned" }, "⊘", element("span", { class: "word" }, " cordoned")),
    ),
    total > 0 ? bar(held, total) : element("span", { class: "bar" }, "no devices"),
    ...(overview.compact
      ? []
      : [
          element("span", { class: "more" }, `${count(pods, "pod", "pods")}, ${count(networks, "network", "networks")}`),
          ...zoneBars(node),
          node.reasons?.[0] && element("span", { class: "more warn" }, text(node.reasons[0].text)),
        ]),
  );
}

/** The tile of a node: the one that is there, made like the node where that has changed. */
function tileOf(summary) {
  const { resource } = filter;
  const { compact } = overview;
  let made = overview.made.get(summary.node.name);
  if (!made) {
    const button = tile(summary);
    made = { button, place: element("div", { class: "place", role: "listitem" }, button) };
    overview.made.set(summary.node.name, made);
  } else if (made.summary !== summary || made.resource !== resource || made.compact !== compact) {
    renew(made.button, tile(summary));
  }
  Object.assign(made, { summary, resource, compact });
  return made;
}

/** Puts a tile where it belongs. What is so already is not touched. */
function put(made, at) {
  const left = (at % overview.columns) * (overview.width + GAP);
  const top = Math.floor(at / overview.columns) * (overview.height + GAP);
  const box = [overview.width, overview.height, left, top].map((pixels) => `${pixels}px`);
  const put = [...box, at, overview.shown.length].join();
  const index = at === overview.at ? 0 : -1;
  if (made.button.tabIndex !== index || !made.button.hasAttribute("tabindex")) made.button.tabIndex = index;
  if (made.put === put) return;
  made.put = put;
  [made.place.style.width, made.place.style.height, made.place.style.left, made.place.style.top] = box;
  made.place.setAttribute("aria-posinset", at + 1);
  made.place.setAttribute("aria-setsize", overview.shown.length);
}

/** A bar for each of the first NUMA zones that have what is counted. */
function zoneBars(node) {
  const zones = (node.zones ?? []).map((zone) => [zone, devicesOf(zone)]);
  const some = zones.filter(([, [, total]]) => total > 0);
  return (some.length > 0 ? some : zones).slice(0, 2).map(([zone, [held, total]]) => {
    return element("span", { class: "inZone" }, zone.id === null ? "no zone" : `NUMA ${zone.id}`, bar(held, total));
  });
}

function devicesOf(zone) {
  let [held, total] = [0, 0];
  const wanted = (resource) => !filter.resource || resource === filter.resource;
  for (const amount of zone.amounts ?? []) if (wanted(amount.resource)) [held, total] = [held + amount.held, total + amount.total];
  for (const one of zone.functions ?? []) {
    for (const group of one.groups ?? []) if (wanted(countedAs(group))) [held, total] = [held + holdersOf(group).size, total + group.ids.length];
  }
  return [held, total];
}

/** Makes the tiles that can be seen and are not there, and removes those that cannot. */
function drawTiles() {
  const tiles = $("tiles");
  const focused = document.activeElement?.dataset?.node;
  const [first, last] = visiblePlaces();
  const places = new Set(overview.shown.length > 0 ? [overview.at] : []);
  for (let at = first; at <= last; at += 1) places.add(at);
  const inOrder = [...places].sort((one, other) => one - other);
  const wanted = new Set(inOrder.map((at) => overview.shown[at].node.name));
  for (const [name, old] of overview.made) {
    if (wanted.has(name)) continue;
    old.place.remove();
    overview.made.delete(name);
  }
  // In the order of their places, which is the order of reading. What is in order is not moved: it would lose the focus.
  let next = tiles.firstChild;
  for (const at of inOrder) {
    const made = tileOf(overview.shown[at]);
    put(made, at);
    if (made.place === next) next = next.nextSibling;
    else tiles.insertBefore(made.place, next);
  }
  if (focused !== undefined && !document.activeElement?.dataset?.node) {
    const again = overview.made.get(focused) ?? overview.made.get(overview.shown[overview.at]?.node.name);
    again?.button.focus({ preventScroll: true });
  }
}

/** Draws everything that depends on the document or on what is looked for. */
function drawOverview() {
  const name = overview.shown[overview.at]?.node.name;
  overview.shown = matching();
  const again = overview.shown.findIndex((summary) => summary.node.name === name);
  // The neighbour of a node that is gone is where it was.
  const instead = name !== undefined && !model.byName.has(name) ? Math.min(overview.at, overview.shown.length - 1) : 0;
  overview.at = Math.max(0, again < 0 ? instead : again);
  layOut();
  drawStrip();
  drawTiles();
  drawSummary();
  drawFound();
}

function goTo(at) {
  const to = Math.min(Math.max(at, 0), overview.shown.length - 1);
  if (to < 0) return;
  overview.at = to;
  const row = Math.floor(to / overview.columns) * (overview.height + GAP);
  const view = $("overview");
  const top = $("tiles").offsetTop + row;
  if (top < view.scrollTop) view.scrollTop = top - GAP;
  else if (top + overview.height > view.scrollTop + view.clientHeight) view.scrollTop = top + overview.height - view.clientHeight + GAP;
  drawTiles();
  overview.made.get(overview.shown[to].node.name).button.focus();
}

function tileKeys(event) {
  if (!event.target.dataset?.node) return;
  const rows = Math.max(1, Math.floor($("overview").clientHeight / (overview.height + GAP)) - 1);
  const step = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: overview.columns,
    ArrowUp: -overview.columns,
    PageDown: rows * overview.columns,
    PageUp: -rows * overview.columns,
    Home: -Infinity,
    End: Infinity,
  }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const most = overview.shown.length - 1;
  goTo(Math.min(Math.max(overview.at + step, 0), most));
}

$("tiles").addEventListener("keydown", tileKeys);
/** Whoever comes to a tile, by whatever way, goes on from there. */
function comeTo(tile) {
  const at = overview.shown.findIndex((summary) => summary.node.name === tile.dataset.node);
  if (at < 0 || at === overview.at) return;
  overview.at = at;
  drawTiles();
}

$("tiles").addEventListener("focusin", (event) => comeTo(event.target));
$("tiles").addEventListener("click", (event) => {
  const found = event.target.closest("[data-node]");
  if (!found) return;
  comeTo(found);
  openNode(found.dataset.node);
});
$("overview").addEventListener("scroll", drawTiles, { passive: true });

new ResizeObserver(() => {
  layOut();
  drawStrip();
  drawTiles();
}).observe($("overview"));
