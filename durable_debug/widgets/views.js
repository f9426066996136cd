/*
 * What the views of a history have in common. Python puts this text before that of each view, which makes one plain
 * module: no build step, no network, no imports.
 *
 * A history is somebody's data and may be hostile: text only ever becomes a text node, an attribute's value or canvas
 * text. No HTML is parsed anywhere.
 */

// ---- text -------------------------------------------------------------------------------------------------------------

// Controls that are invisible, or that turn the reading direction around, are shown as what they are.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const plain = (text) => String(text ?? "").replace(HIDDEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
const words = (status) => plain(status).replace(/_/g, " ").toLowerCase();
const isolated = (text) => `\u2068${text}\u2069`; // so that a right-to-left name does not turn what stands around it

/** A duration for people, with about two figures; as the static plots write it. */
function duration(seconds) {
  if (seconds < 0.9995) return seconds >= 0.01 || seconds === 0 ? `${Math.round(seconds * 1000)} ms` : `${Number((seconds * 1000).toPrecision(2))} ms`;
  if (seconds < 59.5) return seconds < 9.95 ? `${Number(seconds.toPrecision(2))} s` : `${Math.round(seconds)} s`;
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  for (let at = 0; at < 3; at += 1) {
    const [[size, word], [smaller, small]] = [units[at], units[at + 1]];
    const parts = Math.round(seconds / smaller);
    if (parts * smaller >= size) {
      const rest = parts % (size / smaller);
      return `${Math.floor((parts * smaller) / size).toLocaleString("en")} ${word}${rest ? ` ${rest} ${small}` : ""}`;
    }
  }
  return `${Math.round(seconds)} s`;
}

/** A time since the start, as fine as the step between ticks. */
function clock(seconds, step) {
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9)));
  const whole = Number(seconds.toFixed(digits));
  if (whole < 60) return whole ? `${whole.toFixed(digits)} s` : "0";
  const pad = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  const last = (whole - minutes * 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  if (minutes < 60) return `${minutes}:${last}`;
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  return `${days ? `${days.toLocaleString("en")} d ` : ""}${hours % 24}:${pad(minutes % 60)}:${last}`;
}

/** The next larger step that people count in, in seconds. */
function niceStep(seconds) {
  const decimal = (value) => {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= value * 0.999999);
  };
  if (seconds <= 1) return decimal(Math.max(seconds, 1e-6));
  return [2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400].find((each) => each >= seconds) ?? 86400 * decimal(seconds / 86400);
}

// ---- nodes ------------------------------------------------------------------------------------------------------------

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (name.startsWith("aria-") && value != null) node.setAttribute(name, String(value));
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  in: "M7 2.5a4.5 4.5 0 1 0 .01 0zM10.3 10.3l3.2 3.2M5 7h4M7 5v4",
  out: "M7 2.5a4.5 4.5 0 1 0 .01 0zM10.3 10.3l3.2 3.2M5 7h4",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  fold: "M6 4l4 4-4 4",
  folded: "M4.5 6.5L8 3l3.5 3.5M4.5 9.5L8 13l3.5-3.5",
  close: "M4 4l8 8M12 4l-8 8",
  save: "M8 2.5v7M5 7l3 3 3-3M3 13h10",
  help: "M5.75 6a2.25 2.25 0 1 1 3.2 2.05c-.6.3-.95.75-.95 1.45M8 12.4v.1",
  turn: "M3 5.5h8.5M8.5 2.5l3 3-3 3M13 10.5H4.5M7.5 13.5l-3-3 3-3",
};

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "ddv-icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const button = (name, label, click, text) =>
  make("button", { type: "button", class: "ddv-button", "aria-label": label, title: label, click }, icon(name), text ?? "");

/** A bar between two things that sets a size, by pointer and by arrow keys. */
function splitter({ label, vertical, size, set }) {
  const to = (value) => { set(value); node.setAttribute("aria-valuenow", Math.round(size())); };
  const node = make("div", {
    class: `ddv-splitter ${vertical ? "ddv-vertical" : "ddv-horizontal"}`, role: "separator", tabindex: 0,
    "aria-label": label, title: `${label}: drag, or arrow keys`, "aria-orientation": vertical ? "vertical" : "horizontal",
    pointerdown: (event) => {
      const along = (moved) => (vertical ? moved.clientX : moved.clientY);
      const [from, before] = [along(event), size()];
      const drag = (moved) => to(before + along(moved) - from);
      node.setPointerCapture(event.pointerId);
      node.addEventListener("pointermove", drag);
      node.addEventListener("lostpointercapture", () => node.removeEventListener("pointermove", drag), { once: true });
      node.focus({ preventScroll: true });
      event.preventDefault();
    },
    keydown: (event) => {
      const step = (vertical ? { ArrowLeft: -16, ArrowRight: 16 } : { ArrowUp: -16, ArrowDown: 16 })[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      to(size() + step);
    },
  });
  return node;
}

// ---- colours ----------------------------------------------------------------------------------------------------------

const numbers = (color) => {
  if (color.startsWith("#")) return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const [red, green, blue] = color.match(/[\d.]+/g).map(Number);
  return color.startsWith("color(") ? [red, green, blue].map((each) => each * 255) : [red, green, blue];
};
const mixed = (color, other, share) => {
  const [one, two] = [numbers(color), numbers(other)];
  return `rgb(${one.map((each, at) => Math.round(share * each + (1 - share) * two[at])).join(" ")})`;
};
const lightness = (color) => { const [red, green, blue] = numbers(color); return (0.299 * red + 0.587 * green + 0.114 * blue) / 255; };

/** The page's colours as they are now, and ours mixed with them like the static plots do it. */
function readTheme(root, palette) {
  const probe = make("span", { hidden: true });
  root.append(probe);
  const read = (name) => { probe.style.color = `var(--ddv-${name})`; return getComputedStyle(probe).color; };
  const theme = Object.fromEntries(["ink", "muted", "paper", "shade", "line", "accent", "bad", "current", "edge"].map((name) => [name, read(name)]));
  probe.remove();
  theme.font = getComputedStyle(root).fontFamily;
  theme.dark = lightness(theme.paper) < lightness(theme.ink);
  theme.strong = (color) => (theme.dark ? mixed(color, "#ffffff", 0.72) : color);
  theme.tint = (color) => mixed(color, theme.paper, theme.dark ? 0.34 : 0.16);
  theme.mix = (color, share) => mixed(color, theme.paper, share);
  theme.failure = theme.strong(palette.failure);
  theme.looks = {};
  for (const [name, [color, hatch, word]] of Object.entries(palette.activities)) {
    const line = theme.strong(color);
    theme.looks[name] = { line, fill: hatch ? theme.mix(line, 0.25) : line, texture: hatch ? texture(hatch, line, theme.mix(line, 0.25)) : null, hatch, word, tint: theme.tint(color) };
  }
  theme.looks.failed = { line: theme.failure, fill: theme.failure, texture: null, hatch: "", word: "failed attempt", tint: theme.tint(palette.failure) };
  return theme;
}

/** A tile for each of matplotlib's hatches that the palette uses. */
function texture(hatch, line, ground) {
  const scale = window.devicePixelRatio || 1;
  const size = hatch[0] === "." ? 5 : 6;
  const tile = document.createElement("canvas");
  tile.width = tile.height = Math.round(size * scale);
  const pen = tile.getContext("2d");
  pen.scale(tile.width / size, tile.width / size);
  pen.fillStyle = ground;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = pen.fillStyle = line;
  pen.lineWidth = 1.1;
  const stroke = (...points) => { pen.beginPath(); for (let at = 0; at < points.length; at += 4) { pen.moveTo(points[at], points[at + 1]); pen.lineTo(points[at + 2], points[at + 3]); } pen.stroke(); };
  if (hatch[0] === "/" || hatch[0] === "x") stroke(-1, size + 1, size + 1, -1, -1, 1, 1, -1, size - 1, size + 1, size + 1, size - 1);
  if (hatch[0] === "\\" || hatch[0] === "x") stroke(-1, -1, size + 1, size + 1, -1, size - 1, 1, size + 1, size - 1, -1, size + 1, 1);
  if (hatch[0] === "+") stroke(size / 2, 0, size / 2, size, 0, size / 2, size, size / 2);
  if (hatch[0] === ".") { pen.beginPath(); pen.arc(size / 2, size / 2, 1, 0, 7); pen.fill(); }
  return { tile, scale: size / tile.width };
}

/** What to fill with: a pattern that stands still in the drawing, or a colour. */
function filling(pen, look) {
  if (!look.texture) return look.fill;
  const made = pen.createPattern(look.texture.tile, "repeat");
  made.setTransform(new DOMMatrix().scale(look.texture.scale));
  return made;
}

/** Fit a canvas to its place at the screen's resolution; gives its pen, in CSS pixels. */
function prepared(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.textBaseline = "middle";
  return pen;
}

// ---- the way to Python ------------------------------------------------------------------------------------------------

function connect(model, signal) {
  // Views of one model hear each other's answers: numbers of their own keep them apart.
  let next = Math.floor(Math.random() * 2 ** 40);
  const waiting = new Map();
  const receive = (answer) => {
    const settle = waiting.get(answer?.id);
    if (!settle) return;
    waiting.delete(answer.id);
    settle(answer);
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => { model.off("msg:custom", receive); waiting.clear(); });
  return (kind, fields = {}) => new Promise((resolve) => {
    const id = next++;
    waiting.set(id, resolve);
    model.send({ ...fields, id, kind });
  });
}

// ---- what all views know ----------------------------------------------------------------------------------------------

const VERB_KEYS = {
  F5: "run", c: "run", "Shift+F5": "run_back", "Shift+C": "run_back", F10: "step", n: "step", "Shift+F10": "step_back",
  F11: "step_in", i: "step_in", "Shift+F11": "step_out", o: "step_out", r: "restart",
};

function createView(model, signal, name) {
  const ask = connect(model, signal);
  const view = { model, signal, name, rows: model.get("operations"), palette: model.get("palette"), at: model.get("at"), chosen: -1, marks: new Map(), painters: [] };
  const { rows } = view;
  view.size = rows.position.length;
  view.rowAt = new Map(rows.position.map((position, row) => [position, row]).reverse());
  view.live = view.at.serial != null; // of a debugger
  view.diverging = new Map();
  for (const [row, message] of model.get("divergences")) view.diverging.set(row, view.diverging.has(row) ? `${view.diverging.get(row)}\n${message}` : message);
  view.later = new Set(model.get("later"));
  view.rowOfStop = [];
  rows.stop.forEach((stop, row) => { if (stop >= 0) view.rowOfStop[stop] = row; });
  view.end = new Int32Array(view.size); // first row that is no longer inside: rows are in reading order
  for (let row = view.size - 1; row >= 0; row -= 1) {
    view.end[row] = Math.max(view.end[row], row + 1);
    if (rows.parent[row] >= 0) view.end[rows.parent[row]] = Math.max(view.end[rows.parent[row]], view.end[row]);
  }

  view.status = (row) => rows.statuses[rows.recorded[row]];
  view.kind = (row) => plain(rows.kinds[rows.kind[row]]);
  view.nameOf = (row) => plain(rows.name[row] ?? view.kind(row));
  view.mark = (status) => view.palette.marks[status] ?? "?";
  view.wrong = (status) => ["FAILED", "TIMED_OUT", "CANCELLED", "STOPPED"].includes(status);
  /** `current`, `inside` (the current one is in it), `reached`, `ahead`, `later` (than this invocation), `unasked`; without a debugger all is reached. */
  view.when = (row, index = view.index()) => {
    if (!view.live) return "reached";
    const stop = rows.stop[row];
    if (stop < 0) return view.later.has(row) ? "later" : "unasked";
    if (stop === index) return "current";
    if (stop > index) return "ahead";
    const current = view.rowOfStop[index] ?? -1;
    return current > row && current < view.end[row] ? "inside" : "reached";
  };
  view.index = () => (view.at.kind === "operation" ? view.at.index : view.at.total);
  view.said = { current: "about to be answered", inside: "entered", reached: view.live ? "answered" : "", ahead: "not reached yet", unasked: "never asked for by the handler", later: "began in a later invocation" };
  view.describe = (row) => [
    rows.position[row], view.nameOf(row), rows.name[row] == null ? "" : view.kind(row).toLowerCase(), rows.recorded[row] >= 0 && view.status(row) ? words(view.status(row)) : "not in the history",
    view.said[view.when(row)], view.marks.has(row) ? "breakpoint" : "", view.diverging.has(row) ? "divergence" : "",
  ].filter(Boolean).join(", ");

  view.notify = (text) => { view.notice.textContent = plain(text); view.notice.parentNode.hidden = !text; };
  view.look = (kind, fields) => ask(kind, fields);
  view.tell = async (kind, fields) => {
    const answer = await ask(kind, fields);
    if (signal.aborted) return answer;
    view.notify(answer.ok ? "" : answer.error);
    if (answer.ok && answer.data?.note) view.say(answer.data.note);
    return answer;
  };
  view.say = (text) => { view.spoken.textContent = plain(text); };
  view.goto = (row) => {
    view.choose(row);
    if (view.live && rows.stop[row] >= 0 && view.at.status !== "closed") view.tell("goto", { index: rows.stop[row] });
  };
  view.choose = (row) => {
    if (row === view.chosen) return;
    view.chosen = row;
    const position = row >= 0 ? rows.position[row] : "";
    if (model.get("selected") !== position) { model.set("selected", position); model.save_changes(); }
    view.repaint();
    view.reveal?.(row);
    view.showDetails?.();
  };
  view.toggle = (row, pattern) => {
    if (!view.live) { view.notify("Breakpoints are a debugger's: dd.debug(handler, history) opens one."); return; }
    const given = pattern ?? rows.name[row];
    view.tell("toggle", given != null ? { name: given } : { position: rows.position[row] });
  };
  view.repaint = () => view.painters.forEach((paint) => paint());

  const readMarks = () => {
    view.marks = new Map();
    for (const one of model.get("breakpoints")) for (const row of one.rows) view.marks.set(row, one.enabled || view.marks.get(row) === true);
  };
  readMarks();
  const observe = (trait, act) => { model.on(`change:${trait}`, act); signal.addEventListener("abort", () => model.off(`change:${trait}`, act)); };
  observe("breakpoints", () => { readMarks(); view.repaint(); });
  observe("selected", () => {
    const position = model.get("selected");
    // One position may be two rows: what the history has there, and what the handler asks for instead.
    if (position !== (view.chosen >= 0 ? rows.position[view.chosen] : "")) view.choose(view.rowAt.get(position) ?? -1);
  });
  observe("at", () => {
    const before = view.at;
    view.at = model.get("at");
    if (view.at.problem && view.at.serial !== before.serial) view.notify(view.at.problem);
    view.moved?.(before);
    if (before.index !== view.at.index || before.kind !== view.at.kind) view.choose(view.at.row);
    view.repaint();
  });
  return view;
}

/** The frame of a view: toolbar, what the view draws, what is selected; keys; theme. */
function frame(view, { tools, body, keys, help }) {
  const { model, signal } = view;
  view.notice = make("span", { class: "ddv-notice-text" });
  view.spoken = make("div", { class: "ddv-spoken", role: "status", "aria-live": "polite" });
  const notice = make("div", { class: "ddv-notice", role: "alert", hidden: true }, view.notice, button("close", "Dismiss", () => view.notify("")));
  const found = make("span", { class: "ddv-found" });
  const box = make("input", {
    class: "ddv-search", type: "search", placeholder: "Find…", "aria-label": "Find an operation", spellcheck: "false", autocomplete: "off",
    title: "Find by name, position, kind or status (/). Enter goes to the next one",
    input: () => search(0), keydown: (event) => { if (event.key === "Enter") { event.preventDefault(); search(event.shiftKey ? -1 : 1); } },
  });
  view.matches = null; // rows that the search finds, or null
  const search = (step) => {
    const wanted = box.value.trim().toLowerCase();
    const all = [];
    const { rows } = view;
    for (let row = 0; wanted && row < view.size; row += 1) {
      if (`${rows.position[row]} ${rows.name[row] ?? ""} ${rows.kinds[rows.kind[row]]} ${view.status(row)} ${words(view.status(row))}`.toLowerCase().includes(wanted)) all.push(row);
    }
    view.matches = wanted ? new Set(all) : null;
    let at = all.indexOf(view.chosen);
    if (all.length && (step || at < 0)) {
      const next = all.findIndex((row) => row > view.chosen);
      at = at >= 0 ? (at + step + all.length) % all.length : next >= 0 ? next : 0;
      view.choose(all[at]);
    }
    found.textContent = !wanted ? "" : all.length ? `${(at + 1).toLocaleString("en")} of ${all.length.toLocaleString("en")}` : "nothing";
    view.repaint();
  };

  const exporting = (format) => async () => {
    const answer = await view.tell("export", { format });
    if (!answer.ok || signal.aborted) return;
    const bytes = Uint8Array.from(atob(answer.data.base64), (one) => one.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: answer.data.type }));
    make("a", { href: url, download: answer.data.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  const keyLine = make("div", { class: "ddv-keys", hidden: true }, ...help.flatMap(([key, about]) => [make("kbd", {}, key), make("span", {}, about)]));
  const toolbar = make("div", { class: "ddv-toolbar", role: "toolbar", "aria-label": view.name },
    make("strong", { class: "ddv-title", title: plain(model.get("title")) }, view.name), box, found, make("span", { class: "ddv-space" }), ...tools,
    make("span", { class: "ddv-group" }, button("save", "Save a picture as PNG", exporting("png"), "PNG"), button("save", "Save a picture as SVG", exporting("svg"), "SVG")),
    button("help", "Keys (?)", () => { keyLine.hidden = !keyLine.hidden; }));
  const { node: details, show } = detailsPane(view);
  view.showDetails = show;
  view.root = make("div", { class: "ddv", tabindex: -1, role: "region", "aria-label": `${view.name}: ${plain(model.get("title"))}`, "data-lm-suppress-shortcuts": "true" },
    toolbar, notice, keyLine, ...body, details, view.spoken);

  const act = {
    ...keys, "/": () => { box.focus(); box.select(); }, "?": () => { keyLine.hidden = !keyLine.hidden; },
    F9: () => keys.b?.(),
  };
  view.root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has its own use for these keys
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input")) {
      if (event.key === "Escape") { box.value = ""; search(0); view.focus(); }
      return;
    }
    const letter = event.key.length === 1;
    const key = event.shiftKey && (!letter || /[a-z]/i.test(event.key)) ? `Shift+${letter ? event.key.toUpperCase() : event.key}` : event.key;
    const verb = view.live && VERB_KEYS[key];
    if (act[key]) act[key](event);
    else if (verb) view.tell("verb", { verb });
    else return;
    event.preventDefault();
  });
  for (const type of ["keyup", "keypress"]) view.root.addEventListener(type, (event) => event.stopPropagation());

  const recolour = () => {
    if (!view.root.isConnected) return; // a page may draw first and attach later: only then colours can be read
    view.theme = readTheme(view.root, view.palette);
    view.recoloured?.();
    view.repaint();
  };
  view.attached = () => { if (!view.theme) recolour(); };
  const watch = new MutationObserver(recolour);
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", recolour);
  signal.addEventListener("abort", () => { watch.disconnect(); scheme.removeEventListener("change", recolour); });
  view.start = (el) => {
    el.classList.add("ddv-widget");
    el.append(view.root);
    recolour();
    const first = view.rowAt.get(model.get("selected")) ?? view.at.row ?? -1;
    if (first >= 0) view.choose(first);
    model.send({ kind: "shown" });
  };
  view.stop = () => { try { model.send({ kind: "hidden" }); } catch { /* the kernel is gone already */ } };
}

// ---- what is selected -------------------------------------------------------------------------------------------------

const MOST_SHOWN = 1_000_000; // characters of a payload

function payloadBlock(view, row, payload) {
  const text = make("pre", { class: "ddv-payload", tabindex: 0, "aria-label": payload.label }, plain(payload.text));
  let { next } = payload;
  const size = make("span", { class: "ddv-muted" });
  const say = () => { size.textContent = next == null ? count(payload.length, "character") : `${next.toLocaleString("en")} of ${count(payload.length, "character")}`; };
  const more = make("button", {
    type: "button", class: "ddv-button", hidden: next == null,
    click: async () => {
      more.disabled = true;
      const answer = await view.look("payload", { row, field: payload.field, start: next });
      more.disabled = false;
      if (!answer.ok) { view.notify(answer.error); return; }
      text.append(plain(answer.data.text));
      next = answer.data.next;
      if (next != null && next >= MOST_SHOWN) more.replaceWith(make("span", { class: "ddv-muted" }, "More is too much for a page: history.operation(position) has all of it."));
      more.hidden = next == null;
      say();
    },
  }, "Show more");
  say();
  if (payload.folded) return make("details", {}, make("summary", {}, plain(payload.label), " ", size), text, more);
  return make("section", {}, make("h4", {}, plain(payload.label), " ", size), text, more);
}

function attemptsTable(attempts) {
  return make("section", {}, make("h4", {}, "Attempts"), make("table", { class: "ddv-table" },
    make("thead", {}, make("tr", {}, ...["", "Status", "Started", "Took", "Next after", "Error"].map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...attempts.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, make("bdi", {}, plain(cell)))))))));
}

function detailsPane(view) {
  const node = make("section", { class: "ddv-details", "aria-label": "Selected operation", hidden: true });
  let wanted = -1;
  const show = async () => {
    const row = view.chosen;
    wanted = row;
    if (!view.model.get("details") || row < 0) { node.hidden = true; return; }
    const answer = await view.look("operation", { row });
    if (wanted !== row || view.signal.aborted) return;
    node.hidden = false;
    if (!answer.ok) { node.replaceChildren(make("p", {}, plain(answer.error))); return; }
    const { title, facts, payloads, attempts } = answer.data;
    node.replaceChildren(
      make("div", { class: "ddv-details-head" }, make("span", { class: "ddv-muted" }, plain(view.rows.position[row])), make("strong", {}, make("bdi", {}, plain(title))),
        view.diverging.has(row) ? make("span", { class: "ddv-bad" }, `≠ ${plain(view.diverging.get(row))}`) : null,
        make("span", { class: "ddv-space" }), button("close", "Close", () => { view.choose(-1); view.focus(); })),
      make("div", { class: "ddv-details-body" },
        make("div", {}, ...payloads.map((payload) => payloadBlock(view, row, payload)), payloads.length ? null : make("p", { class: "ddv-muted" }, "The history holds no payload of this operation."),
          attempts.length > 1 ? attemptsTable(attempts) : null),
        make("dl", {}, ...facts.flatMap((fact) => [make("dt", {}, plain(fact.label)), make("dd", {}, make("bdi", {}, plain(fact.value)))]))));
    node.scrollTop = 0;
  };
  return { node, show };
}

/** Words beside the pointer. */
function tooltip(view) {
  const node = make("div", { class: "ddv-tooltip", "aria-hidden": "true", hidden: true });
  const show = (lines, x, y) => {
    node.hidden = !lines;
    if (!lines) return;
    node.replaceChildren(...lines.filter(Boolean).map((line, at) => make(at ? "div" : "strong", {}, make("bdi", {}, shortened(plain(line), 300)))));
    const box = view.root.getBoundingClientRect();
    const left = Math.max(4, Math.min(x - box.left + 14, box.width - node.offsetWidth - 6));
    const below = y - box.top + 18;
    node.style.transform = `translate(${left}px, ${below + node.offsetHeight > box.height - 4 ? Math.max(4, below - node.offsetHeight - 30) : below}px)`;
  };
  return { node, show, hide: () => show(null) };
}
