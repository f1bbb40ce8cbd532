// What is shown: the document, what follows from it, and what of it is searched for.

const data = JSON.parse($("data").textContent);

const model = {
  document: data.document,
  version: data.version,
  stale: data.stale,
  byName: new Map(),
  networks: new Map(),
};

const filter = { words: [], network: "", resource: "", namespace: "", state: "", order: "name" };

/** What of a node is asked for again and again. */
class Summary {
  constructor(node) {
    this.node = node;
    this.networks = new Set();
    this.namespaces = new Set();
    this.resources = new Set((node.amounts ?? []).map((amount) => amount.resource));
    for (const pod of node.pods ?? []) {
      this.namespaces.add(pod.namespace);
      for (const attachment of pod.attachments ?? []) if (!attachment.default) this.networks.add(attachment.network);
    }
  }

  /** Devices that are held and all of them, of one resource or of all. */
  devices(resource) {
    let [held, total] = [0, 0];
    for (const amount of this.node.amounts ?? []) {
      if (resource && amount.resource !== resource) continue;
      held += amount.held;
      total += amount.total;
    }
    return [held, total];
  }

  /** What is searched, put together when it is searched first: ids, names and addresses of everything on the node. */
  get words() {
    if (this.text === undefined) {
      const parts = [this.node.name];
      for (const zone of this.node.zones ?? []) {
        for (const one of zone.functions ?? []) {
          parts.push(one.address, one.interface, one.accelerator && `accelerator ${one.model ?? ""}`);
          for (const group of one.groups ?? []) parts.push(group.resource, ...group.ids, ...claimedAs(group).values());
        }
      }
      for (const pod of this.node.pods ?? []) parts.push(wordsOf(pod));
      this.text = parts.join("\n").toLowerCase();
    }
    return this.text;
  }
}

/** What claims call the devices of a group, by their places in it. */
const claimedAs = (group) => new Map(group.claimedAs ?? []);

/** By what devices are counted: those of claims by their driver. */
const countedAs = (group) => group.driver ?? group.resource;

/** The places of the pods that hold the devices of a group, by the places of the devices. Pods share some by claims. */
function holdersOf(group) {
  const holders = new Map();
  for (const [at, pod] of group.held ?? []) holders.set(at, [...(holders.get(at) ?? []), pod]);
  return holders;
}

/** What is searched of a pod. */
function wordsOf(pod) {
  const parts = [`${pod.namespace}/${pod.name}`];
  for (const one of pod.attachments ?? []) parts.push(one.network, one.interface, one.mac, one.device, ...(one.ips ?? []));
  return parts.join("\n").toLowerCase();
}

const hasWords = (words) => filter.words.every((word) => words.includes(word));

/** Whether a pod is one of those that are looked for. */
function podMatches(pod) {
  return (
    (!filter.namespace || pod.namespace === filter.namespace) &&
    (!filter.network || (pod.attachments ?? []).some((one) => one.network === filter.network)) &&
    hasWords(wordsOf(pod))
  );
}

function nodeMatches(summary) {
  return (
    (!filter.state || summary.node.state === filter.state) &&
    (!filter.network || summary.networks.has(filter.network)) &&
    (!filter.resource || summary.resources.has(filter.resource)) &&
    (!filter.namespace || summary.namespaces.has(filter.namespace)) &&
    (filter.words.length === 0 || hasWords(summary.words))
  );
}

const SEVERITY = { down: 0, degraded: 1, unreported: 2, ready: 3 };
const collator = new Intl.Collator("en", { numeric: true });
const byName = (one, other) => collator.compare(one.node.name, other.node.name);

const ORDERS = {
  name: ["by name", byName],
  state: ["worst state first", (one, other) => SEVERITY[one.node.state] - SEVERITY[other.node.state] || byName(one, other)],
  used: ["most used first", (one, other) => share(other) - share(one) || byName(one, other)],
  free: ["most free first", (one, other) => left(other) - left(one) || byName(one, other)],
};

function share(summary) {
  const [held, total] = summary.devices(filter.resource);
  return total > 0 ? held / total : -1;
}

function left(summary) {
  const [held, total] = summary.devices(filter.resource);
  return total - held;
}

/** The nodes that are looked for, in order. */
function matching() {
  const found = [...model.byName.values()].filter(nodeMatches);
  return found.sort(ORDERS[filter.order][1]);
}

/** The pods that are looked for, the first of them; everything where nothing is looked for is nothing. */
function podHits(most) {
  const hits = [];
  let total = 0;
  if (filter.words.length === 0) return { hits, total };
  const look = (pods, summary) => {
    for (const pod of pods ?? []) {
      if (!podMatches(pod)) continue;
      total += 1;
      if (hits.length < most) hits.push([pod, summary]);
    }
  };
  for (const summary of model.byName.values()) if (hasWords(summary.words)) look(summary.node.pods, summary);
  return { hits, total };
}

function indexAll() {
  model.byName = new Map(model.document.nodes.map((node) => [node.name, new Summary(node)]));
  indexNetworks();
}

function indexNetworks() {
  model.networks = new Map(model.document.networks.map((network) => [network.name, network]));
}

/** Takes what the server tells: a whole document, or what has changed since the last one. */
function take(told) {
  model.version = told.version;
  model.stale = told.stale;
  const before = model.document;
  if (told.whole) {
    // Nodes that are as they were keep what was found out about them.
    const old = new Map(before.nodes.map((node) => [node.name, JSON.stringify(node)]));
    const kept = model.byName;
    model.document = told.whole;
    model.byName = new Map();
    for (const node of told.whole.nodes) {
      const same = old.get(node.name) === JSON.stringify(node);
      model.byName.set(node.name, same ? kept.get(node.name) : new Summary(node));
    }
    indexNetworks();
    return;
  }
  const delta = told.delta ?? {};
  for (const name of delta.gone ?? []) model.byName.delete(name);
  for (const node of delta.nodes ?? []) model.byName.set(node.name, new Summary(node));
  model.document = {
    nodes: [...model.byName.values()].map((summary) => summary.node),
    networks: delta.networks ?? before.networks,
    waiting: delta.waiting ?? before.waiting,
    unseen: delta.unseen ?? before.unseen,
  };
  indexNetworks();
}

indexAll();
