// Search, filters, light and dark, and the keys that work everywhere.

const CHOICES = { network: "all networks", resource: "all resources", namespace: "all namespaces", state: "all states" };

/** Fills the filters with what there is. What is chosen stays, also when it is gone from the cluster. */
function drawChoices() {
  const sets = { network: new Set(model.networks.keys()), resource: new Set(), namespace: new Set(), state: Object.keys(SIGNS) };
  for (const summary of model.byName.values()) {
    for (const name of summary.networks) sets.network.add(name);
    for (const name of summary.resources) sets.resource.add(name);
    for (const name of summary.namespaces) sets.namespace.add(name);
  }
  for (const [what, all] of Object.entries(CHOICES)) {
    const names = what === "state" ? sets.state : [...new Set([...sets[what], ...(filter[what] ? [filter[what]] : [])])].sort(collator.compare);
    const words = (name) => (what === "state" ? `${SIGNS[name].join(" ")}` : name);
    const options = [["", all], ...names.map((name) => [name, words(name)])];
    fill($(what), options, filter[what]);
  }
  fill($("order"), Object.entries(ORDERS).map(([key, [words]]) => [key, words]), filter.order);
}

function fill(select, options, chosen) {
  renewChildren(select, options.map(([value, words]) => element("option", { value, "data-key": value }, words)));
  // Whoever has one open is about to choose.
  if (select !== document.activeElement && select.value !== chosen) select.value = chosen;
}

function look() {
  drawOverview();
  if (overview.open !== undefined) drawDetail();
}

let typing;
$("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(searchNow, 120);
});

function searchNow() {
  clearTimeout(typing);
  filter.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  $("overview").scrollTop = 0;
  look();
}

for (const what of [...Object.keys(CHOICES), "order"]) {
  $(what).addEventListener("change", () => {
    filter[what] = $(what).value;
    $("overview").scrollTop = 0;
    look();
  });
}

function clearFilters() {
  $("search").value = "";
  for (const what of Object.keys(CHOICES)) filter[what] = "";
  drawChoices();
  searchNow();
}

$("clear").addEventListener("click", clearFilters);
$("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  searchNow();
  const first = $("hits").querySelector("button");
  if (first) first.focus();
  else goTo(0);
});
$("hits").addEventListener("keydown", (event) => roveByKey(event, [...$("hits").querySelectorAll("button")]));

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    $("search").focus();
    $("search").select();
  } else if (event.key === "Escape") {
    back(event);
  }
});

/** One step back: the search, the pod's path, the node. */
function back(event) {
  if (event.target === $("search") && $("search").value !== "") {
    event.preventDefault();
    $("search").value = "";
    searchNow();
  } else if (overview.open !== undefined && (detail.pod !== undefined || detail.device !== undefined)) {
    detail.pod = undefined;
    detail.device = undefined;
    markPath();
  } else if (overview.open !== undefined) {
    closeNode();
  }
}

// Light or dark: the system's choice, until somebody chooses here. A page from a file may have no memory.
const preferred = window.matchMedia("(prefers-color-scheme: dark)");
const remembered = () => {
  try {
    return localStorage.getItem("polypod-theme");
  } catch {
    return null;
  }
};
let chosen = remembered();

function paint() {
  const dark = chosen ? chosen === "dark" : preferred.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").textContent = dark ? "☀ Light" : "☾ Dark";
  $("theme").setAttribute("aria-label", dark ? "Switch to light colours" : "Switch to dark colours");
  drawStrip();
}

$("theme").addEventListener("click", () => {
  chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("polypod-theme", chosen);
  } catch {
    // Then it is forgotten with the page.
  }
  paint();
});
preferred.addEventListener("change", paint);
