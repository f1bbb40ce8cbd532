// What the server tells while the page is open, and the beginning.

let lost = false;

function drawStanding() {
  const standing = $("standing");
  let words;
  if (lost) words = "⚠ stale: kubectl polypod map does not answer any more; start it again to go on";
  else if (model.stale) words = `⚠ stale: ${model.stale}`;
  else if (data.live) words = "● live";
  else words = `■ as of ${when(data.made)}`;
  say(standing, words);
  standing.title = words;
  standing.className = lost || model.stale ? "stale" : "";
}

function drawUnseen() {
  const told = model.document.unseen.map((words) => element("li", {}, text(words)));
  $("unseen").hidden = told.length === 0;
  renewChildren($("unseen"), told);
}

/** Draws what has changed. Nothing of the page is made again that is as it was, whoever is at it stays there. */
function drawAll() {
  drawStanding();
  drawUnseen();
  drawChoices();
  drawOverview();
  updateDetail();
  document.documentElement.dataset.version = model.version;
}

function listen() {
  const events = new EventSource(`events/${model.version}`);
  events.onmessage = (event) => {
    lost = false;
    const told = JSON.parse(event.data);
    const changed = told.whole !== undefined || told.delta !== undefined;
    take(told);
    if (changed) drawAll();
    else drawStanding();
  };
  events.onopen = () => {
    lost = false;
    drawStanding();
  };
  events.onerror = () => {
    lost = true;
    drawStanding();
    // A server that refuses is asked again; one that is away the browser asks by itself.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}

$("source").textContent = data.source;
$("source").title = data.source;
paint();
drawAll();
if (data.live) listen();
