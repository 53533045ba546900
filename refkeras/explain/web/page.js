"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const state = { run: 0, epoch: null, key: null, path: [] };
const unpacked = new Map();
const LISTED = 40;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// -- data ---------------------------------------------------------------------------------------

async function unpack(run, index) {
  const id = run + "/" + index;
  if (!unpacked.has(id)) {
    const packed = Uint8Array.from(atob(data.runs[run].epochs[index].data), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    unpacked.set(id, new Response(stream).text().then(JSON.parse));
  }
  return unpacked.get(id);
}

const indexOf = (run, number) => data.runs[run].epochs.findIndex((epoch) => epoch.number === number);

function view(chunk, id) {
  const [name, formula, value, numbers, notes, inputs, also, cut, named] = chunk.nodes[id];
  const [kind, words, symbols] = data.formulas[formula];
  return { id, name, kind, words, symbols: named || symbols, value, numbers, notes: notes.map((n) => chunk.notes[n]), inputs, also, cut };
}

// -- where we are: the address says it, so that Back goes back ------------------------------------

function address(where) {
  return "#" + [where.run, where.epoch, encodeURIComponent(where.key), ...where.path].join("/");
}

function go(where) {
  const to = address(where);
  if (location.hash === to) show();
  else location.hash = to;
}

function parse() {
  const [run, epoch, key, ...path] = location.hash.slice(1).split("/");
  if (key === undefined || !data.runs[run] || indexOf(run, Number(epoch)) < 0) return null;
  return { run: Number(run), epoch: Number(epoch), key: decodeURIComponent(key), path };
}

addEventListener("hashchange", () => show(true));

async function show(focus = true) {
  const where = parse();
  if (!where) return;
  if (where.run !== state.run) selectRun(where.run);
  Object.assign(state, where);
  for (const button of document.querySelectorAll("#lines button.number")) {
    const here = Number(button.dataset.epoch) === state.epoch && button.dataset.key === state.key;
    button.setAttribute("aria-current", here);
    if (here) button.closest("div").scrollIntoView({ block: "nearest" });
  }
  const chunk = await unpack(state.run, indexOf(state.run, state.epoch));
  if (chunk.roots[state.key] === undefined) return;
  const trail = [view(chunk, chunk.roots[state.key])];
  for (const step of state.path) {
    const from = trail[trail.length - 1];
    const next = (step[0] === "a" ? from.also : from.inputs)[Number(step.slice(1))];
    if (next === undefined) break;
    trail.push(view(chunk, next));
  }
  draw(chunk, trail);
  if (focus) {
    byId("derivation-title").focus({ preventScroll: true });
    if (matchMedia("(max-width: 61.99rem)").matches) byId("derivation").scrollIntoView();
    byId("derivation").scrollTop = 0;
  }
}

// -- a derivation ---------------------------------------------------------------------------------

function draw(chunk, trail) {
  const node = trail[trail.length - 1];
  const here = (path) => ({ run: state.run, epoch: state.epoch, key: state.key, path });
  const crumbs = make("ol");
  trail.forEach((item, i) => {
    const last = i === trail.length - 1;
    crumbs.append(make("li", {}, last
      ? make("span", { text: item.name, "aria-current": "location" })
      : make("button", { text: item.name, type: "button", onclick: () => go(here(state.path.slice(0, i))) })));
  });
  const card = byId("card");
  card.replaceChildren(...(trail.length > 1 ? [make("nav", { "aria-label": "The way here" }, crumbs)] : []));
  card.append(make("p", { class: "name", text: node.name }), make("p", { class: "value", id: "value", text: node.value }));
  if (node.kind !== "given") {
    card.append(
      make("p", { class: "words", text: node.words[0].toUpperCase() + node.words.slice(1) + ":" }),
      make("p", { class: "symbols", text: node.symbols }),
      make("p", { class: "numbers", text: "= " + node.numbers }));
  }
  for (const note of node.notes) card.append(remark(note));
  node.also.forEach((id, i) => card.append(other(chunk, view(chunk, id), [...state.path, "a" + i], here, node.inputs)));
  if (node.inputs.length) card.append(make("p", { class: "hint", text: "Its inputs:" }), inputs(chunk, node, here));
  if (node.cut) card.append(make("p", { class: "note", text: "The samples of this epoch are not on this page." }));
  if (node.kind === "given" && !node.notes.length) card.append(make("p", { class: "hint", text: "This is where it starts: as it was recorded." }));
  if (state.path.length) {
    card.append(make("button", { class: "more", type: "button", text: "Up one level (Esc)", id: "up",
      onclick: () => go(here(state.path.slice(0, -1))) }));
  }
}

const remark = (note) => make("p", { class: /^Keras /.test(note) ? "note" : "remark", text: note });

function other(chunk, node, path, here, known) {
  const box = make("div", { class: "also" },
    make("button", { type: "button", onclick: () => go(here(path)), class: "name", text: node.name }));
  if (node.kind !== "given") box.append(make("p", { class: "symbols", text: node.symbols }));
  box.append(make("p", { class: "numbers", text: node.kind === "given" ? node.value : "= " + node.numbers + " = " + node.value }));
  const same = node.inputs.join() === known.join(); // they are listed below anyway
  if (node.inputs.length <= 6 && !same) {
    const list = make("ul", { class: "inputs" });
    node.inputs.forEach((id, i) => list.append(row(view(chunk, id), () => go(here([...path, "i" + i])))));
    box.append(list);
  }
  for (const note of node.notes) box.append(remark(note));
  return box;
}

function row(node, onclick) {
  const opens = node.kind !== "given" || node.notes.length > 0 || node.also.length > 0;
  const label = make("span", { class: opens ? "label" : "label plain", text: node.name });
  const figure = make("span", { class: "figure", text: node.value });
  const item = make("li", {}, opens
    ? make("button", { type: "button", onclick }, label, figure)
    : make("div", { class: "row" }, label, figure));
  if (node.numbers) item.append(make("div", { class: "small", text: "= " + node.numbers }));
  return item;
}

function inputs(chunk, node, here) {
  const list = make("ul", { class: "inputs", id: "inputs" });
  const add = (from, to) => {
    for (let i = from; i < to; i++) {
      list.append(row(view(chunk, node.inputs[i]), () => go(here([...state.path, "i" + i]))));
    }
  };
  add(0, Math.min(LISTED, node.inputs.length));
  if (node.inputs.length > LISTED) {
    const more = make("li", {}, make("button", { type: "button", class: "more",
      text: "All " + node.inputs.length, onclick: () => { more.remove(); add(LISTED, node.inputs.length); } }));
    list.append(more);
  }
  return list;
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && state.path.length) {
    go({ ...state, path: state.path.slice(0, -1) });
    event.preventDefault();
  }
});

// -- the log --------------------------------------------------------------------------------------

function drawLog() {
  const lines = byId("lines");
  lines.replaceChildren();
  for (const epoch of data.runs[state.run].epochs) {
    epoch.lines.forEach((pieces, i) => {
      const line = make("div", { class: i ? null : "head" });
      for (const [text, key] of pieces) line.append(key === null ? text : numberButton(text, epoch.number, key));
      lines.append(line);
    });
  }
  const first = lines.querySelector("button");
  if (first) first.tabIndex = 0;
  drawOthers();
}

function numberButton(text, epoch, key) {
  return make("button", { class: "number", type: "button", text, tabindex: -1, "data-epoch": epoch, "data-key": key,
    "aria-label": key + " of epoch " + epoch + ": " + text, onclick: () => go({ run: state.run, epoch, key, path: [] }) });
}

function drawOthers() {
  const run = data.runs[state.run], last = run.epochs[run.epochs.length - 1];
  const others = byId("others");
  others.replaceChildren();
  for (const [key, value] of Object.entries(last.others)) {
    const button = numberButton(value, last.number, key);
    button.tabIndex = 0;
    others.append(key + " of the last update: ", button, "  ");
  }
}

byId("lines").addEventListener("keydown", (event) => {
  const lines = [...byId("lines").children].map((line) => [...line.querySelectorAll("button")]).filter((l) => l.length);
  const y = lines.findIndex((line) => line.includes(document.activeElement));
  if (y < 0) return;
  const x = lines[y].indexOf(document.activeElement);
  const to = {
    ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], ArrowUp: [y - 1, x], ArrowDown: [y + 1, x],
    Home: [0, x], End: [lines.length - 1, x], PageUp: [Math.max(0, y - 10), x], PageDown: [Math.min(lines.length - 1, y + 10), x],
  }[event.key];
  if (!to || !lines[to[0]]) return;
  const target = lines[to[0]][Math.max(0, Math.min(to[1], lines[to[0]].length - 1))];
  document.activeElement.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
  event.preventDefault();
});

// -- curves ---------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
function shape(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A chart of series over epochs, with the values under the cursor below it as buttons.
function chart(label, epochs, series, read, band) {
  const W = 640, H = 230, L = 52, R = 10, T = 10, B = 26;
  const all = series.flatMap((s) => s.values).filter((v) => v !== null);
  let low = Math.min(...all), high = Math.max(...all);
  if (!all.length) { low = 0; high = 1; }
  if (low === high) { low -= 0.5; high += 0.5; }
  const x = (i) => L + (epochs.length === 1 ? 0.5 : i / (epochs.length - 1)) * (W - L - R);
  const y = (v) => T + (high - v) / (high - low) * (H - T - B);
  const svg = shape("svg", { viewBox: "0 0 " + W + " " + H, role: "slider", tabindex: 0, "aria-label": label + ", by epoch",
    "aria-valuemin": epochs[0], "aria-valuemax": epochs[epochs.length - 1] });
  if (band) svg.append(shape("rect", { class: "band", x: x(band[0]), y: T, width: Math.max(2, x(band[1]) - x(band[0])), height: H - T - B }));
  for (let k = 0; k <= 4; k++) {
    const v = low + (high - low) * k / 4;
    svg.append(shape("line", { class: "axis", x1: L, x2: W - R, y1: y(v), y2: y(v) }),
      shape("text", { x: L - 6, y: y(v) + 4, "text-anchor": "end" }, Number(v.toPrecision(3)).toString()));
  }
  for (const i of new Set([0, Math.floor((epochs.length - 1) / 2), epochs.length - 1])) {
    svg.append(shape("text", { x: x(i), y: H - 8, "text-anchor": i === 0 ? "start" : i === epochs.length - 1 ? "end" : "middle" }, "epoch " + epochs[i]));
  }
  const caption = make("figcaption");
  for (const s of series) {
    let d = "", up = false;
    s.values.forEach((v, i) => { if (v === null) up = false; else { d += (up ? "L" : "M") + x(i).toFixed(2) + " " + y(v).toFixed(2); up = true; } });
    const path = shape("path", { d, stroke: "var(--s" + s.color + ")" });
    if (s.dashed) path.setAttribute("stroke-dasharray", "6 4");
    svg.append(path);
    if (s.values.length === 1 && s.values[0] !== null) svg.append(shape("circle", { cx: x(0), cy: y(s.values[0]), r: 3, fill: "var(--s" + s.color + ")" }));
    caption.append(make("span", { class: s.dashed ? "key dashed" : "key", style: "--c: var(--s" + s.color + ")", text: s.name }));
  }
  const cursor = shape("line", { class: "cursor", y1: T, y2: H - B });
  svg.append(cursor);
  const readout = make("div", { class: "readout" });
  let at = epochs.length - 1;
  const move = (i) => {
    at = Math.max(0, Math.min(epochs.length - 1, i));
    cursor.setAttribute("x1", x(at));
    cursor.setAttribute("x2", x(at));
    readout.replaceChildren(make("span", { text: "epoch " + epochs[at] + ":" }), ...read(at));
    svg.setAttribute("aria-valuenow", epochs[at]);
    svg.setAttribute("aria-valuetext", readout.textContent);
  };
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    const along = ((event.clientX - box.left) / box.width * W - L) / (W - L - R);
    move(Math.round(along * (epochs.length - 1)));
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -1e9, End: 1e9 }[event.key];
    if (by === undefined) return;
    move(at + by);
    event.preventDefault();
  });
  move(at);
  return make("figure", {}, caption, svg, readout);
}

function shownInLog(run, index, key) {
  for (const line of run.epochs[index].lines) for (const [text, k] of line) if (k === key) return text;
  return null;
}

function drawCurves() {
  const run = data.runs[state.run], keys = Object.keys(run.curves);
  const bare = (key) => key.replace(/^val_/, "");
  const isLoss = (key) => /(^|_)loss$/.test(key);
  const isRate = (key) => key === "learning_rate" || key === "lr";
  const groups = [
    ["Losses", keys.filter(isLoss)],
    ["Metrics", keys.filter((key) => !isLoss(key) && !isRate(key))],
    ["Learning rate", keys.filter(isRate)],
  ];
  const epochs = run.epochs.map((epoch) => epoch.number);
  byId("charts").replaceChildren();
  for (const [label, group] of groups) {
    if (!group.length) continue;
    const colors = [...new Set(group.map(bare))];
    const series = group.map((key) => ({ name: key, values: run.curves[key], color: colors.indexOf(bare(key)) % 6, dashed: key !== bare(key) }));
    byId("charts").append(chart(label, epochs, series, (i) => group.map((key) => {
      const text = shownInLog(run, i, key);
      if (text === null) return make("span", { text: key + " –" });
      const button = numberButton(text, epochs[i], key);
      button.tabIndex = 0;
      return make("span", {}, key + " ", button);
    })));
  }
}

// -- the plateau ----------------------------------------------------------------------------------

const short = (v) => v === null ? "–" : Number(v.toPrecision(4)).toString();

function drawCourse(number) {
  const course = data.runs[state.run].courses[number];
  const first = course.epochs[course.first], last = course.epochs[course.last];
  byId("plateau-text").textContent = "From epoch " + first + " to epoch " + last + ", the loss of " + course.phase + " row " +
    course.row + " falls from " + short(course.losses[course.first]) + " to " + short(course.losses[course.last]) +
    ": the probability of its class, " + course.target + ", rises from " + short(course.probabilities[course.first][course.target]) +
    " to " + short(course.probabilities[course.last][course.target]) + ". But another class stays ahead all the while, so that it counts 0 for " +
    "accuracy: the loss sees every change of p, accuracy only who is ahead.";
  const classes = course.probabilities[0].length;
  const series = [{ name: "its loss, −ln p", values: course.losses, color: 1 }];
  const listed = [...Array(classes).keys()].filter((k) => classes <= 5 || k === course.target);
  for (const k of listed) {
    series.push({ name: "p[" + k + "]" + (k === course.target ? ", its class" : ""), values: course.probabilities.map((p) => p[k]),
      color: k === course.target ? 0 : 2 + (k % 4), dashed: k !== course.target });
  }
  byId("course-chart").replaceChildren(chart("A sample's loss and probabilities", course.epochs, series, (i) => [
    make("span", {}, "−ln p ", make("button", { class: "number", type: "button", text: short(course.losses[i]),
      onclick: () => go({ run: state.run, epoch: course.epochs[i], key: course.key, path: course.paths[i] }) })),
    ...listed.map((k) => make("span", { text: "p[" + k + "] " + short(course.probabilities[i][k]) })),
    make("span", { text: course.right[i] ? "ahead: counts 1" : "behind: counts 0" }),
  ], [course.first, course.last]));
}

function drawPlateau() {
  const courses = data.runs[state.run].courses;
  byId("plateau").hidden = !courses.length;
  byId("course").replaceChildren(...courses.map((course, i) => make("option", { value: i,
    text: course.phase + " row " + course.row + ", class " + course.target })));
  if (courses.length) drawCourse(0);
}
byId("course").addEventListener("change", (event) => drawCourse(Number(event.target.value)));

// -- gates ----------------------------------------------------------------------------------------

const GATES = {
  i: "i, input gate", f: "f, forget gate", g: "g, candidate (Keras's c gate)", o: "o, output gate", c: "c, cell state", h: "h, output",
};

function drawGates() {
  const run = data.runs[state.run];
  const layers = [...new Set(run.epochs.flatMap((epoch) => epoch.traced))];
  byId("gates").hidden = !layers.length;
  if (!layers.length) return;
  byId("gates-text").textContent = "The gates and states at each step, without dropout, for " + run.watched + ": a column is a step, a row a unit; blue is below 0, red above.";
  byId("gate-layer").replaceChildren(...layers.map((layer) => make("option", { text: layer })));
  byId("gate-epoch").max = run.epochs.filter((epoch) => epoch.traced.length).length - 1;
  byId("gate-epoch").value = byId("gate-epoch").max;
  drawMaps();
}
for (const id of ["gate-layer", "gate-sample", "gate-epoch"]) byId(id).addEventListener("input", () => drawMaps());
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
prefersDark.addEventListener("change", () => setTheme(document.documentElement.dataset.theme));

// Light or dark as the system says, until the button says otherwise; the choice is kept where the browser allows it.
function setTheme(theme) {
  const root = document.documentElement;
  if (theme) root.dataset.theme = theme;
  const dark = theme ? theme === "dark" : prefersDark.matches;
  byId("theme").textContent = dark ? "Light colors" : "Dark colors";
  drawMaps();
}

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
  setTheme(dark ? "light" : "dark");
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private windows may forbid it */ }
});

let drawing = 0;
async function drawMaps() {
  const own = ++drawing;
  const run = data.runs[state.run];
  const traced = run.epochs.map((epoch, i) => i).filter((i) => run.epochs[i].traced.length);
  const index = traced[Number(byId("gate-epoch").value)];
  if (index === undefined) return;
  byId("gate-epoch-shown").textContent = run.epochs[index].number;
  const chunk = await unpack(state.run, index);
  if (own !== drawing) return; // another choice was made meanwhile
  const trace = chunk.traces.find((t) => t.layer === byId("gate-layer").value) || chunk.traces[0];
  const [samples, steps, units] = trace.shape;
  const select = byId("gate-sample");
  if (select.options.length !== samples) {
    select.replaceChildren(...Array.from({ length: samples }, (_, i) => make("option", { value: i, text: i + 1 })));
  }
  const sample = Math.max(0, Number(select.value) || 0);
  byId("maps").replaceChildren(...Object.keys(GATES).map((gate) =>
    heatMap(gate, trace.gates[gate].slice(sample * steps * units, (sample + 1) * steps * units), steps, units, trace.layer, sample)));
  byId("maps").dataset.shown = [trace.layer, sample + 1, run.epochs[index].number].join(" ");
}

function heatMap(gate, values, steps, units, layer, sample) {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).split(",").map(Number);
  const [cold, warm, zero] = [color("--cold"), color("--warm"), color("--zero")];
  const size = Math.max(1, ...values.map((v) => Math.abs(Number(v))));
  const canvas = make("canvas", { width: steps, height: units, tabindex: 0, role: "img",
    "aria-label": layer + "." + gate + ": " + steps + " steps, " + units + " units, from " + short(Math.min(...values)) + " to " + short(Math.max(...values)) });
  const context = canvas.getContext("2d"), image = context.createImageData(steps, units);
  for (let t = 0; t < steps; t++) for (let u = 0; u < units; u++) {
    const v = Number(values[t * units + u]), part = Math.min(1, Math.abs(v) / size), end = v < 0 ? cold : warm;
    for (let c = 0; c < 3; c++) image.data[4 * (u * steps + t) + c] = zero[c] + (end[c] - zero[c]) * part;
    image.data[4 * (u * steps + t) + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  let at = [0, 0];
  const tell = () => {
    const value = values[at[0] * units + at[1]];
    byId("cell").textContent = layer + "." + gate + ", sample " + (sample + 1) + ", step " + (at[0] + 1) + ", unit " + (at[1] + 1) + ": " + value;
  };
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    at = [Math.min(steps - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * steps))),
      Math.min(units - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * units)))];
    tell();
  });
  canvas.addEventListener("focus", tell);
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by) return;
    at = [Math.min(steps - 1, Math.max(0, at[0] + by[0])), Math.min(units - 1, Math.max(0, at[1] + by[1]))];
    tell();
    event.preventDefault();
  });
  return make("figure", {}, make("figcaption", { text: GATES[gate] }), canvas);
}

// -- start ----------------------------------------------------------------------------------------

function selectRun(number) {
  state.run = number;
  const run = data.runs[number];
  byId("run").value = number;
  byId("about").textContent = "Model " + run.model + ", optimizer " + run.optimizer + ", as " + run.semantics + " computes it; " + run.epochs.length + " epochs.";
  const kept = [...run.dropped];
  if (run.detailed.length) kept.unshift("The samples are on this page for the epochs " + run.detailed.join(", ") + ".");
  byId("kept").textContent = kept.join(" ");
  drawLog();
  drawCurves();
  drawPlateau();
  drawGates();
}

// The last epoch's loss, if there is one.
function start(number) {
  const run = data.runs[number], keys = Object.keys(run.curves);
  const key = keys.includes("loss") ? "loss" : keys[0];
  return { run: number, epoch: run.epochs[run.epochs.length - 1].number, key, path: [] };
}

data.runs.forEach((run, i) => byId("run").append(make("option", { value: i, text: (i + 1) + ": " + run.model + (run.losses ? ", " + run.losses : "") + ", " + run.epochs.length + " epochs" })));
byId("choose").hidden = data.runs.length < 2;
byId("run").addEventListener("change", (event) => {
  const run = Number(event.target.value);
  selectRun(run);
  go(start(run));
});
selectRun(0);
let kept = null;
try { kept = localStorage.getItem("theme"); } catch { /* as above */ }
setTheme(kept === "light" || kept === "dark" ? kept : undefined);
if (parse()) show(false);
else {
  history.replaceState(null, "", address(start(0)));
  show(false);
}
