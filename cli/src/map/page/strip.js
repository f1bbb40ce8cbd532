// All nodes at a glance, and the sums of the cluster.

/** From so many nodes on there is a strip of them above the tiles. */
const STRIP_FROM = 60;
const SQUARE = 13;

/** So many pods are shown of those that are found. */
const MOST_HITS = 24;

/** So many resources have a card. */
const MOST_RESOURCES = 5;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A square for each node: filled from below by what is held; a state that is not ready has its sign in it. */
function drawStrip() {
  const canvas = $("strip");
  canvas.hidden = overview.shown.length < STRIP_FROM;
  if (canvas.hidden) return;
  const width = $("tiles").clientWidth;
  const columns = Math.max(1, Math.floor(width / SQUARE));
  const rows = Math.ceil(overview.shown.length / columns);
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = rows * SQUARE * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${rows * SQUARE}px`;
  canvas.dataset.columns = columns;
  const draw = canvas.getContext("2d");
  draw.scale(scale, scale);
  const [held, line, box, warn, down, none, accent] = ["--held", "--line", "--box", "--warn", "--down", "--none", "--accent"].map(colour);
  const side = SQUARE - 3;
  draw.font = `bold ${side}px system-ui, sans-serif`;
  draw.textAlign = "center";
  draw.textBaseline = "middle";
  overview.shown.forEach((summary, at) => {
    const [x, y] = [(at % columns) * SQUARE + 1, Math.floor(at / columns) * SQUARE + 1];
    const share = Math.max(0, shareOf(summary));
    const state = summary.node.state;
    draw.fillStyle = box;
    draw.fillRect(x, y, side, side);
    draw.fillStyle = held;
    draw.fillRect(x, y + side * (1 - share), side, side * share);
    draw.lineWidth = 1;
    draw.strokeStyle = line;
    if (state !== "ready") {
      const mark = { degraded: warn, down, unreported: none }[state];
      draw.fillStyle = box;
      draw.fillRect(x, y, side, side);
      draw.fillStyle = mark;
      draw.fillText(SIGNS[state][0], x + side / 2, y + side / 2 + 0.5);
      draw.strokeStyle = mark;
    }
    draw.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    if (summary.node.name === overview.open) {
      draw.strokeStyle = accent;
      draw.lineWidth = 3;
      draw.strokeRect(x, y, side, side);
    }
  });
  canvas.setAttribute("aria-label", `All ${count(overview.shown.length, "node", "nodes")} at a glance; the tiles below say the same`);
}

const shareOf = (summary) => {
  const [held, total] = summary.devices(filter.resource);
  return total > 0 ? held / total : 0;
};

function placeInStrip(event) {
  const canvas = $("strip");
  const columns = Number(canvas.dataset.columns);
  const column = Math.min(columns - 1, Math.floor(event.offsetX / SQUARE));
  return Math.floor(event.offsetY / SQUARE) * columns + column;
}

$("strip").addEventListener("click", (event) => {
  const at = placeInStrip(event);
  if (at >= overview.shown.length) return;
  goTo(at);
  openNode(overview.shown[at].node.name);
});
$("strip").addEventListener("pointermove", (event) => {
  const found = overview.shown[placeInStrip(event)];
  $("strip").title = found ? `${found.node.name}: ${SIGNS[found.node.state][1]}, ${found.devices(filter.resource).join(" of ")} held` : "";
});

/** The sums: of the nodes that are shown. */
function drawSummary() {
  const states = new Map(Object.keys(SIGNS).map((state) => [state, 0]));
  const amounts = new Map();
  let pods = 0;
  for (const summary of overview.shown) {
    states.set(summary.node.state, states.get(summary.node.state) + 1);
    pods += (summary.node.pods ?? []).length;
    for (const amount of summary.node.amounts ?? []) {
      const sum = amounts.get(amount.resource) ?? { held: 0, total: 0 };
      amounts.set(amount.resource, { held: sum.held + amount.held, total: sum.total + amount.total });
    }
  }
  const card = (label, ...rest) => element("div", { class: "card" }, element("span", { class: "label" }, label), ...rest);
  const large = (id, amount) => element("b", { id }, number.format(amount));
  const some = [...states].filter(([, amount]) => amount > 0);
  const inWords = some.map(([state, amount]) => element("span", { "data-state": state }, sign(state), ` ${number.format(amount)}`));
  const waiting = (model.document.waiting ?? []).filter(podMatches).length;
  const most = [...amounts].sort((one, other) => other[1].total - one[1].total);
  // One card for several that are left; a single one takes no more room itself.
  const shown = most.length > MOST_RESOURCES + 1 ? MOST_RESOURCES : most.length;
  renewChildren($("summary"), [
    card("nodes", element("div", { class: "states" }, large("count-nodes", overview.shown.length), inWords)),
    card("pods with networks or devices", large("count-pods", pods), waiting > 0 && ` and ${number.format(waiting)} waiting`),
    card("networks", large("count-networks", model.document.networks.length)),
    ...most.slice(0, shown).map(([resource, { held, total }]) => {
      const made = card(text(resource), bar(held, total));
      made.dataset.resource = resource;
      made.title = `${resource}: ${held} of ${total} held`;
      return made;
    }),
    ...(most.length > shown ? [card("more resources", large("count-more", most.length - shown))] : []),
  ]);
}

function drawFound() {
  const all = model.byName.size;
  const shown = overview.shown.length;
  const looking = filter.words.length > 0 || filter.network || filter.resource || filter.namespace || filter.state;
  const { hits, total } = podHits(MOST_HITS);
  const faults = model.document.networks.filter((network) => network.fault).length;
  const parts = [looking ? `${number.format(shown)} of ${count(all, "node", "nodes")}` : count(all, "node", "nodes")];
  if (filter.words.length > 0) parts.push(count(total, "pod", "pods"));
  if (faults > 0) parts.push(`${count(faults, "network", "networks")} with a fault`);
  say($("found"), parts.join(" · ") + (shown === 0 && looking ? ": nothing is like that; Clear shows everything" : ""));
  const waiting = (model.document.waiting ?? []).filter(podMatches);
  const left = total - hits.length;
  renewChildren($("hits"), [
    ...hits.map(([pod, summary], at) => hit(pod, summary.node.name, at)),
    ...(left > 0 ? [element("span", {}, `and ${number.format(left)} more`)] : []),
    ...waiting.slice(0, MOST_HITS).map((pod) => {
      const wants = (pod.attachments ?? []).map((one) => one.network).join(", ");
      return element("span", { class: "waiting" }, "waiting: ", text(`${pod.namespace}/${pod.name}`), wants ? text(` for ${wants}`) : "");
    }),
  ]);
  reachOne([...$("hits").querySelectorAll("button")]);
}

function hit(pod, node, at) {
  const name = `${pod.namespace}/${pod.name}`;
  const made = element("button", { type: "button", "data-hit": name, "data-key": `hit ${name} ${node}`, title: `on ${node}` }, text(name));
  made.tabIndex = at === 0 ? 0 : -1;
  made.addEventListener("click", () => openNode(node, name));
  return made;
}
