"use strict";
// Whatever comes from the run is put into the page as text, never as markup.
const $ = (id) => document.getElementById(id);
const EVERY = 2000;
const MAX_ROWS = 200;
let points = [];
let latest = null;

const whole = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});
const number = (value) => (value === null || value === undefined ? "–" : whole.format(value));
const bytes = (value) => {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) { value /= 1024; at += 1; }
  return `${value.toFixed(at && value < 100 ? 1 : 0)} ${units[at]}`;
};
const seconds = (value) => {
  if (value === null || value === undefined) return "–";
  if (value < 0.995) return `${Math.round(value * 1000)} ms`;
  if (value < 120) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  if (value < 7200) return `${Math.round(value / 60)} min`;
  return `${(value / 3600).toFixed(1)} h`;
};
const make = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};
// Headings that begin with # are of columns of numbers.
const table = (id, headings, rows, none) => {
  const head = make("tr");
  for (const heading of headings) {
    const cell = make("th", heading.replace(/^#/, ""), heading.startsWith("#") ? "number" : "");
    cell.scope = "col";
    head.append(cell);
  }
  const body = make("tbody");
  for (const row of rows.slice(0, MAX_ROWS)) {
    const line = make("tr");
    row.forEach((value, at) => {
      const [text, name] = Array.isArray(value) ? value : [value, ""];
      line.append(make("td", text, `${headings[at].startsWith("#") ? "number" : "wide"} ${name}`));
    });
    body.append(line);
  }
  const top = make("thead");
  top.append(head);
  const parts = rows.length ? [top, body] : [];
  if (!rows.length) parts.push(make("caption", none));
  if (rows.length > MAX_ROWS) parts.push(make("caption", `and ${number(rows.length - MAX_ROWS)} more`));
  $(id).replaceChildren(...parts);
};
const quantile = (one, share) => {
  let left = share * one.durations.reduce((sum, count) => sum + count, 0);
  if (!left) return "–";
  for (let at = 0; at < one.duration_bounds.length; at += 1) {
    left -= one.durations[at];
    if (left <= 0) return `≤ ${seconds(one.duration_bounds[at])}`;
  }
  return `> ${seconds(one.duration_bounds[one.duration_bounds.length - 1])}`;
};
// How much a count grows a second; a restart begins at 0 again.
const rate = (name, from, to) => {
  const passed = to.time - from.time;
  return passed > 0 && to[name] >= from[name] ? (to[name] - from[name]) / passed : null;
};
const current = (name) => {
  const last = points[points.length - 1];
  const before = points[Math.max(0, points.length - 4)];
  return last && before ? rate(name, before, last) : null;
};
const perSecond = (name) => {
  const value = current(name);
  return value === null ? "–" : `${number(value)} /s`;
};

const svg = (tag, attributes, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
const nice = (value) => {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((each) => each * power).find((each) => each >= value);
};
const chart = (id, label, series) => {
  const box = $(id);
  const [width, height, left, bottom] = [box.clientWidth || 600, box.clientHeight || 144, 4, 16];
  box.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const end = points.length ? points[points.length - 1].time : 0;
  const top = nice(Math.max(0, ...series.flatMap((one) => one.values.map((each) => each[1]))));
  const x = (time) => left + (width - left) * (1 - (end - time) / 1800);
  const y = (value) => (height - bottom) * (1 - value / top) + 2;
  const parts = [
    svg("line", {class: "axis", x1: left, x2: width, y1: y(0), y2: y(0)}),
    svg("line", {class: "axis", x1: left, x2: width, y1: y(top), y2: y(top)}),
    svg("text", {x: left, y: y(top) + 12}, number(top)),
    svg("text", {x: left, y: height - 3}, "30 min ago"),
    svg("text", {x: width, y: height - 3, "text-anchor": "end"}, "now"),
  ];
  for (const one of series) {
    const line = one.values.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`);
    if (line.length > 1) parts.push(svg("path", {class: one.name, d: `M${line.join("L")}`}));
  }
  box.setAttribute("aria-label", label);
  box.replaceChildren(...parts);
};
const rates = (name) => {
  const found = [];
  for (let at = 1; at < points.length; at += 1) {
    const value = rate(name, points[at - 1], points[at]);
    if (value !== null) found.push([points[at].time, value]);
  }
  return found;
};

const flow = (status) => {
  const counts = status.counts;
  const fill = status.requests.batches ? status.requests.fill_sum / status.requests.batches : 0;
  const lags = status.partitions.map((one) => one.lag_records).filter((lag) => lag !== null);
  const ages = status.partitions.map((one) => one.lag_seconds).filter((age) => age !== null);
  const lag = lags.length ? lags.reduce((sum, one) => sum + one, 0) : null;
  const waits = (service) => (status.waits.some((wait) => wait.service === service) ? "warn" : "");
  const stalled = status.partitions.some((one) => one.is_stalled) ? "bad" : waits("kafka");
  const steps = [
    ["Kafka", stalled, [`lag ${number(lag)}`, seconds(ages.length ? Math.max(...ages) : null)],
      `${number(status.partitions.length)} partitions`],
    ["read", "", [number(counts.read), perSecond("read")], counts.resumed ? `${number(counts.resumed)} resumed` : ""],
    ["decode, map", waits("registry"), [`${number(counts.filtered)} filtered`,
      `${number(counts.rejected)} rejected`], ""],
    ["batch", "", [`${Math.round(fill * 100)} % full`, `${number(status.requests.batches)} batches`],
      `${number(counts.in_flight)} records on their way`],
    ["write", waits("tablestore"), [`${number(status.requests.in_flight)} in flight`,
      `${number(status.requests.waiting_shards)} waiting`], `${number(counts.retried)} rows sent again`],
    ["Tablestore", waits("tablestore"), [number(counts.written), perSecond("written")],
      `${number(status.tables.length)} tables`],
  ];
  const parts = [];
  for (const [name, mood, lines, below] of steps) {
    if (parts.length) parts.push(make("span", "→", "arrow"));
    const step = make("div", undefined, `step ${mood}`);
    step.append(make("b", name), ...lines.map((line) => make("span", line)));
    if (below) step.append(make("small", below));
    parts.push(step);
  }
  $("flow").replaceChildren(...parts);
};

const show = (status) => {
  const calm = status.healthy && status.ready;
  $("state").textContent = status.healthy ? (status.ready ? status.state : `${status.state}, not ready`)
    : `${status.state}, not healthy`;
  $("state").className = `badge ${calm ? "good" : status.healthy ? "warn" : "bad"}`;
  $("about").textContent = `flow ${status.flow} ${status.version} · ${number(status.snapshots.number)} snapshots, `
    + `the last ${seconds(status.snapshots.age_seconds)} ago`;
  $("problems").replaceChildren(...status.problems.map((one) => make("li",
    `${one.subject ? `${one.subject}: ` : ""}${one.text}${one.seconds ? ` (for ${seconds(one.seconds)})` : ""}`,
    one.fails_health ? "bad" : "warn")));
  flow(status);
  table("partitions", ["topic", "#partition", "#lag", "#lag in time", "#durable offset", "#end", "#read", "#process"],
    status.partitions.map((one) => [one.topic, one.partition,
      [number(one.lag_records), one.is_stalled ? "bad" : ""], seconds(one.lag_seconds),
      number(one.durable_offset), number(one.end_offset), number(one.read_offset), one.process]),
    "no partition is assigned yet");
  table("tables", ["table", "#written", "#sent again", "#rejected", "#bytes", "#requests", "#failed", "#median", "#99 %"],
    status.tables.map((one) => {
      const requests = Object.values(one.requests).reduce((sum, count) => sum + count, 0);
      return [one.table, number(one.rows.written || 0), number(one.rows.retried || 0),
        number(one.rows.rejected || 0), bytes(one.bytes), number(requests),
        number(requests - (one.requests.OK || 0)), quantile(one, 0.5), quantile(one, 0.99)];
    }), "nothing was written yet");
  table("rejections", ["stage", "code", "goes to", "#records"],
    [...status.rejections].sort((a, b) => b.number - a.number)
      .map((one) => [one.stage, one.code, one.destination, number(one.number)]), "none");
  $("last").replaceChildren(...status.last_rejected.slice(-10).reverse().map((text) => make("li", text)));
  const drift = status.drift || [];
  $("drifting").hidden = !drift.length;
  table("drift", ["topic", "field", "what was noticed"], drift.map((one) => [one.topic, one.field, one.text]), "none");
  table("processes", ["#process", "state", "#pid", "started", "#restarts", "#memory", "#read ahead"],
    status.processes.map((one) => [one.process, one.error || one.state, one.pid ?? "–",
      one.started ? one.started.replace("T", " ").replace("+00:00", " UTC") : "–", one.restarts,
      one.memory ? bytes(one.memory.resident) : "–",
      one.memory ? `${bytes(one.memory.prefetch)} of ${bytes(one.memory.prefetch_limit)}` : "–"]), "none");
};
const draw = () => {
  chart("throughput", "Records read, written and rejected a second over the last half hour", [
    {name: "one", values: rates("read")}, {name: "two", values: rates("written")},
    {name: "three", values: rates("rejected")}]);
  chart("lags", "Lag in records over the last half hour", [
    {name: "one", values: points.filter((one) => one.lag_records !== null).map((one) => [one.time, one.lag_records])}]);
  const last = points[points.length - 1];
  $("rate").replaceChildren(make("span", `read ${perSecond("read")}`, "key-one"), " ",
    make("span", `written ${perSecond("written")}`, "key-two"), " ",
    make("span", `rejected ${perSecond("rejected")}`, "key-three"));
  $("lag").textContent = last ? `${number(last.lag_records)}, ${seconds(last.lag_seconds)}` : "";
};
const settings = ({options, changed}) => {
  const line = (name) => [name, typeof options[name] === "string" ? options[name] : JSON.stringify(options[name])];
  table("changed", ["set", "value"], changed.map(line), "every option has its default");
  table("options", ["option", "value"], Object.keys(options).map(line), "none");
};

const ask = async (path) => {
  const answer = await fetch(path, {cache: "no-store"});
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
};
let turn = 0;
const refresh = async () => {
  try {
    if (turn % 3 === 0) points = (await ask("history")).points;
    if (turn % 30 === 0) settings(await ask("settings"));
    latest = await ask("status");
    show(latest);
    draw();
    $("trouble").hidden = true;
    turn += 1;
  } catch (error) {
    $("trouble").textContent = `No answer (${error.message}): what is shown is old.`;
    $("trouble").hidden = false;
    $("state").className = "badge";
  }
  setTimeout(refresh, document.hidden ? EVERY * 5 : EVERY);
};
refresh();
