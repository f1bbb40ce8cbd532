// One node: its zones, physical functions and devices, and the pods that hold them.

/** So many devices and pods of one node are drawn; nobody has more than that in sight. */
const MOST_CELLS = 4096;
const MOST_PODS = 512;

const detail = {
  /** The pod and the device that are chosen. */
  pod: undefined,
  device: undefined,
  /** What was drawn: the name of a node, the node, and the networks. */
  name: undefined,
  summary: undefined,
  networks: undefined,
};

function openNode(name, pod) {
  const before = overview.open;
  overview.open = name;
  detail.pod = pod;
  detail.device = undefined;
  for (const [made, { button }] of overview.made) button.setAttribute("aria-expanded", String(made === name));
  if (before !== name) $("detail").scrollTop = 0;
  drawDetail();
  drawStrip();
  $("close").focus({ preventScroll: true });
  if (pod) $("detail").querySelector(".pod.on-path")?.scrollIntoView({ block: "nearest" });
}

function closeNode() {
  const name = overview.open;
  overview.open = undefined;
  detail.pod = undefined;
  $("detail").hidden = true;
  $("detail").replaceChildren();
  detail.name = undefined;
  for (const { button } of overview.made.values()) button.setAttribute("aria-expanded", "false");
  const at = overview.shown.findIndex((summary) => summary.node.name === name);
  if (at >= 0) goTo(at);
  drawStrip();
}

/** Draws the open node, unless it is drawn as it is. */
function updateDetail() {
  const summary = model.byName.get(overview.open);
  if (detail.name === overview.open && detail.summary === summary && detail.networks === model.document.networks) return;
  drawDetail();
}

/** Draws the open node. What is there of it stays: the focus, what is selected and how far it is scrolled. */
function drawDetail() {
  const panel = $("detail");
  if (overview.open === undefined) return;
  const summary = model.byName.get(overview.open);
  const key = panel.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  panel.hidden = false;
  panel.setAttribute("aria-label", `Node ${overview.open}`);
  if (detail.name !== overview.open) panel.replaceChildren();
  Object.assign(detail, { name: overview.open, summary, networks: model.document.networks });
  renewChildren(panel, summary ? contentOf(summary) : [top(overview.open, undefined), element("p", { "data-key": "gone" }, "This node is gone.")]);
  for (const row of panel.querySelectorAll(".cells, .pods")) reachOne([...row.querySelectorAll("button")]);
  if (key !== undefined && !panel.contains(document.activeElement)) {
    const again = [...panel.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
    (again ?? $("close")).focus({ preventScroll: true });
  }
  markPath();
}

function contentOf(summary) {
  const { node } = summary;
  const hardware = element("div", { class: "hardware", "data-key": "hardware" }, element("h3", {}, "Devices"), zonesOf(node));
  const pods = element("div", { class: "pods", "data-key": "pods" }, element("h3", {}, "Pods"), podsOf(node));
  const way = wayOf(node);
  return [
    top(node.name, node),
    element("p", { class: "facts", "data-key": "facts" }, facts(node)),
    ...reasonsOf(node),
    element("p", { id: "path", role: "status", hidden: way.length === 0, "data-key": "path" }, way),
    ...networksOf(summary),
    element("div", { class: "picture", "data-key": "picture" }, hardware, pods, lines()),
  ];
}

function top(name, node) {
  const close = element("button", { id: "close", type: "button", "data-key": "close", "aria-label": `Close node ${name}` }, "Close ✕");
  close.addEventListener("click", closeNode);
  return element("div", { class: "top", "data-key": "top" }, node && sign(node.state), element("h2", {}, text(name)), close);
}

function facts(node) {
  const parts = [SIGNS[node.state][1]];
  if (node.cordoned) parts.push("cordoned");
  if (node.policy) parts.push(`topology manager: ${node.policy}`);
  if (node.observedAt) parts.push(`observed ${when(node.observedAt)}`);
  if (node.agentVersion) parts.push(`device-bridge ${node.agentVersion}`);
  if (node.otherPods > 0) parts.push(`${count(node.otherPods, "other pod", "other pods")} with the cluster network alone`);
  return parts.join(" · ");
}

/** A time as people of this place write it. */
function when(moment) {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? moment : date.toISOString().replace("T", " ").replace(/(\.\d+)?Z$/, "Z");
}

function reasonsOf(node) {
  if (!node.reasons?.length) return [];
  const told = node.reasons.map((reason) => element("li", {}, text(reason.text), reason.since ? ` (since ${when(reason.since)})` : ""));
  return [element("ul", { class: "reasons", "data-key": "reasons", "aria-label": "What is wrong" }, told)];
}

function networksOf(summary) {
  if (summary.networks.size === 0) return [];
  const chips = [...summary.networks].sort(collator.compare).map((name) => {
    const network = model.networks.get(name);
    const told = [network?.plugins?.join(", "), network?.resource, network?.fault, !network && "no NetworkAttachmentDefinition of this name was seen"];
    return element("span", { class: "net", "data-network": name, "data-key": name, title: told.filter(Boolean).join("\n") }, text(name), network?.resource ? element("span", { class: "facts" }, ` ${network.resource}`) : "", network?.fault ? " (!)" : "");
  });
  return [element("h3", { "data-key": "networks" }, "Networks"), element("div", { class: "nets", "data-key": "nets" }, chips)];
}

function zonesOf(node) {
  const zones = node.zones ?? [];
  const drawn = new Set();
  for (const zone of zones) {
    for (const amount of zone.amounts ?? []) drawn.add(amount.resource);
    for (const one of zone.functions ?? []) for (const group of one.groups ?? []) drawn.add(countedAs(group));
  }
  // Where nobody reports there are sums; devices of claims stand beside them.
  const alone = (node.amounts ?? []).filter((amount) => !drawn.has(amount.resource));
  const sums = zones.length === 0 || alone.length > 0 ? [amountsOf(alone, "Nothing is known but what the Node says:")] : [];
  const room = { cells: MOST_CELLS };
  const boxes = zones.map((zone) => {
    const name = zone.id === null ? "No NUMA zone" : `NUMA zone ${zone.id}`;
    const head = element("div", { class: "head" }, element("b", {}, name), zone.cpus && element("span", { class: "facts" }, `CPUs ${zone.cpus}`));
    const functions = (zone.functions ?? []).map((one) => functionOf(node, one, room));
    const amounts = zone.amounts?.length ? amountsOf(zone.amounts, "As sums alone (NodeResourceTopology):") : [];
    return element("div", { class: "zone", role: "group", "aria-label": name, "data-zone": zone.id ?? "none", "data-key": `zone ${zone.id}` }, head, functions, amounts);
  });
  return [...sums, ...boxes];
}

function amountsOf(amounts, words) {
  if (amounts.length === 0) return element("p", { class: "facts" }, "No devices.");
  const rows = amounts.map((amount) => element("div", { class: "group" }, text(amount.resource), bar(amount.held, amount.total)));
  return element("div", {}, element("p", { class: "facts" }, words), rows);
}

function functionOf(node, one, room) {
  const name = one.address === undefined ? "Devices of no physical function" : (one.interface ?? one.address);
  const speed = one.speedMbps ? `${one.speedMbps >= 1000 ? `${one.speedMbps / 1000} Gb/s` : `${one.speedMbps} Mb/s`}` : "";
  const link = one.linkUp === undefined ? "" : element("span", { class: one.linkUp ? "link" : "link off" }, one.linkUp ? `up ${speed}` : "✕ no link");
  const facts = [one.interface && one.address, one.driver, one.model].filter(Boolean).join(" · ");
  const kind = one.accelerator && element("span", { class: "kind" }, "accelerator");
  const head = element("div", { class: "head" }, element("b", {}, text(name)), kind, link, element("span", { class: "facts" }, text(facts)));
  const groups = (one.groups ?? []).map((group) => groupOf(node, group, room));
  const missing = one.notOffered > 0 ? notOffered(one.notOffered) : "";
  const label = one.address === undefined ? name : `${one.accelerator ? "Accelerator" : "Physical function"} ${name}`;
  const shown = { class: one.accelerator ? "function accelerator" : "function", role: "group", "aria-label": label };
  const known = { "data-function": one.address ?? "none", "data-key": `function ${one.address}` };
  return element("div", { ...shown, ...known }, head, groups, missing);
}

function notOffered(amount) {
  const cells = Array.from({ length: Math.min(amount, 64) }, () => element("span", { class: "cell missing" }));
  return element("div", { class: "group" }, `${count(amount, "virtual function", "virtual functions")} offered for no resource`, element("div", { class: "cells", "aria-hidden": true }, cells));
}

function groupOf(node, group, room) {
  const holders = holdersOf(group);
  const unhealthy = new Set(group.unhealthy ?? []);
  const names = claimedAs(group);
  const cells = [];
  group.ids.forEach((id, at) => {
    if (room.cells <= 0) return;
    room.cells -= 1;
    const kind = unhealthy.has(at) ? "unhealthy" : holders.has(at) ? "held" : "free";
    const told = wordsOfDevice(called(id, names.get(at)), podsAt(node, holders.get(at)), unhealthy.has(at));
    const cell = element("button", { class: `cell ${kind}`, type: "button", "aria-label": told, title: told, "data-device": id, "data-key": keyOfDevice(group, at) });
    cell.tabIndex = at === 0 ? 0 : -1;
    cells.push(cell);
  });
  const left = group.ids.length - cells.length;
  const label = `${group.resource}: ${holders.size} of ${group.ids.length} held`;
  return element(
    "div",
    { class: "group", "data-key": `group ${group.resource}` },
    text(group.resource),
    ` ${holders.size}/${group.ids.length}`,
    element("div", { class: "cells", role: "toolbar", "aria-label": label }, cells),
    left > 0 && element("p", { class: "facts" }, `and ${number.format(left)} more`),
  );
}

const keyOfDevice = (group, at) => `device ${group.resource} ${group.ids[at]}`;

/** A device by its id, and by what claims call it. */
const called = (id, name) => (name === undefined || name === id ? id : `${id} (${name})`);

/** The names of the pods in some places, if anybody is there; one that is not known has none. */
const podsAt = (node, places) => places?.map((place) => node.pods?.[place]).map((pod) => pod && `${pod.namespace}/${pod.name}`);

/** A device in words: who holds it, and whether it is healthy. */
function wordsOfDevice(name, pods, isUnhealthy) {
  const known = pods?.filter(Boolean) ?? [];
  const who = known.length > 0 ? `held by ${known.join(" and ")}` : pods ? "held" : "free";
  return `${name}, ${who}${isUnhealthy ? ", not healthy" : ""}`;
}

function podsOf(node) {
  const pods = node.pods ?? [];
  if (pods.length === 0) return [element("p", { class: "facts" }, "No pod here has networks of its own or devices.")];
  const drawn = pods.slice(0, MOST_PODS).map((pod, at) => podOf(pod, at));
  const left = pods.length - drawn.length;
  return [...drawn, left > 0 && element("p", { class: "facts" }, `and ${number.format(left)} more`)];
}

function podOf(pod, at) {
  const name = `${pod.namespace}/${pod.name}`;
  const attachments = (pod.attachments ?? []).map((one) =>
    element(
      "span",
      { class: "attachment" },
      one.interface && element("b", {}, text(one.interface)),
      element("span", { class: `net${one.default ? " default" : ""}${one.wanted ? " wanted" : ""}`, "data-network": one.network }, text(one.network), one.wanted ? " (not attached)" : ""),
      one.ips?.length ? text(one.ips.join(", "), "facts") : "",
      one.device ? text(one.device, "facts") : "",
    ),
  );
  const made = element(
    "button",
    { class: `pod${podMatches(pod) ? "" : " aside"}`, type: "button", "aria-pressed": String(detail.pod === name), "data-pod": name, "data-key": `pod ${name}` },
    pod.phase && pod.phase !== "Running" && element("span", { class: "phase" }, pod.phase),
    element("span", { class: "namespace" }, text(`${pod.namespace}/`)),
    element("b", {}, text(pod.name)),
    ...attachments,
    pod.fault && element("span", { class: "fault" }, text(`! ${pod.fault}`)),
  );
  made.tabIndex = at === 0 ? 0 : -1;
  return made;
}
