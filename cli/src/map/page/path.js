// The way of a pod: its networks, its devices, their physical functions and zones, the node.

const SVG = "http://www.w3.org/2000/svg";

function lines() {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "lines");
  made.setAttribute("aria-hidden", "true");
  return made;
}

function select(pod) {
  detail.pod = detail.pod === pod ? undefined : pod;
  detail.device = undefined;
  markPath();
}

/** The pod that is chosen, if the node has it. */
const podOfPath = (node) => node?.pods?.find((one) => `${one.namespace}/${one.name}` === detail.pod);

/** Marks everything on the way of the pod that is selected, and says the way in words. */
function markPath() {
  const panel = $("detail");
  const told = $("path");
  const node = model.byName.get(overview.open)?.node;
  for (const one of panel.querySelectorAll(".on-path")) one.classList.remove("on-path");
  for (const one of panel.querySelectorAll(".pod")) one.setAttribute("aria-pressed", String(one.dataset.pod === detail.pod));
  const pod = podOfPath(node);
  panel.classList.toggle("has-path", pod !== undefined);
  panel.querySelector(".lines")?.replaceChildren();
  if (!told) return;
  const way = wayOf(node);
  told.hidden = way.length === 0;
  renewChildren(told, way);
  if (!pod) return;
  const find = (selector, key, value) => [...panel.querySelectorAll(selector)].filter((one) => one.dataset[key] === value);
  const boxes = find(".pod", "pod", detail.pod);
  for (const attachment of pod.attachments ?? []) boxes.push(...find(".nets .net", "network", attachment.network));
  const held = devicesOfPod(node, pod).map(({ group, at }) => keyOfDevice(group, at));
  const cells = held.flatMap((key) => find(".cell", "key", key));
  for (const cell of cells) boxes.push(cell, cell.closest(".function"), cell.closest(".zone"));
  for (const box of boxes) box.classList.add("on-path");
  drawLines();
}

/** The groups of devices of a node, each with where it stands. */
function* groupsOf(node) {
  for (const zone of node?.zones ?? []) {
    for (const one of zone.functions ?? []) for (const group of one.groups ?? []) yield [zone, one, group];
  }
}

/** The device of a key: its group, its place in it, and where it stands. */
function deviceOf(node, key) {
  for (const [zone, one, group] of groupsOf(node)) {
    const at = group.ids.findIndex((_, place) => keyOfDevice(group, place) === key);
    if (at >= 0) return { zone, one, group, at };
  }
  return undefined;
}

/** The devices that a pod holds. */
function devicesOfPod(node, pod) {
  const held = [];
  for (const [zone, one, group] of groupsOf(node)) {
    for (const [at, holder] of group.held ?? []) if (node.pods[holder] === pod) held.push({ zone, one, group, at });
  }
  return held;
}

/** What is chosen, in words: the way of a pod, or a device. */
function wayOf(node) {
  const pod = podOfPath(node);
  if (pod) return inWords(node, pod);
  const device = detail.device === undefined ? undefined : deviceOf(node, detail.device);
  if (!device) return [];
  const { group, at } = device;
  const name = called(group.ids[at], claimedAs(group).get(at));
  return [document.createTextNode(wordsOfDevice(name, podsAt(node, holdersOf(group).get(at)), (group.unhealthy ?? []).includes(at)))];
}

/** The same in words, an attachment a line; devices that no attachment has come last. */
function inWords(node, pod) {
  const left = devicesOfPod(node, pod);
  const stepsOf = ({ zone, one, group, at }) => {
    const id = group.ids[at];
    return [called(id, claimedAs(group).get(at)), stepOf(one, id), zone.id === null ? "no NUMA zone" : `NUMA zone ${zone.id}`];
  };
  const rows = [element("b", {}, text(`${pod.namespace}/${pod.name}`))];
  const row = (...steps) => rows.push(element("div", {}, text([...steps.filter(Boolean), node.name].join(" → "))));
  for (const one of pod.attachments ?? []) {
    const its = left.findIndex(({ group, at }) => group.ids[at] === one.device);
    const way = its >= 0 ? stepsOf(left.splice(its, 1)[0]) : [one.device];
    row(one.interface, one.wanted ? `${one.network} (not attached)` : one.network, ...way);
  }
  for (const device of left) row(device.group.resource, ...stepsOf(device));
  if (rows.length === 1) row();
  return rows;
}

/** What is behind a device. An accelerator may be the device itself. */
function stepOf(one, id) {
  if (one.address === undefined) return "no physical function";
  if (!one.accelerator) return one.interface ?? one.address;
  return ["accelerator", one.address === id ? one.model : one.address].filter(Boolean).join(" ");
}

/** A line from the pod to each of its devices. */
function drawLines() {
  const panel = $("detail");
  const svg = panel.querySelector(".lines");
  const pod = panel.querySelector(".pod.on-path");
  if (!svg || !pod || getComputedStyle(svg).display === "none") return;
  const base = svg.getBoundingClientRect();
  const from = pod.getBoundingClientRect();
  const start = [from.left - base.left, from.top - base.top + Math.min(from.height / 2, 22)];
  const drawn = [...panel.querySelectorAll(".cell.on-path")].slice(0, 64).map((cell) => {
    const box = cell.getBoundingClientRect();
    const end = [box.right - base.left + 3, box.top - base.top + box.height / 2];
    const middle = (start[0] + end[0]) / 2;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M${start[0]} ${start[1]} C${middle} ${start[1]} ${middle} ${end[1]} ${end[0]} ${end[1]}`);
    return path;
  });
  svg.replaceChildren(...drawn);
}

$("detail").addEventListener("click", (event) => {
  const cell = event.target.closest(".cell[data-device]");
  const pod = event.target.closest(".pod");
  const node = model.byName.get(overview.open)?.node;
  const device = cell && deviceOf(node, cell.dataset.key);
  const holders = device && (podsAt(node, holdersOf(device.group).get(device.at)) ?? []).filter(Boolean);
  if (pod) select(pod.dataset.pod);
  else if (holders?.length === 1) select(holders[0]);
  else if (cell) {
    detail.pod = undefined;
    detail.device = cell.dataset.key;
    markPath();
  }
});
$("detail").addEventListener("keydown", (event) => {
  const within = event.target.closest(".cells") ?? event.target.closest(".pods");
  if (within) roveByKey(event, [...within.querySelectorAll("button")]);
});
new ResizeObserver(drawLines).observe($("detail"));
