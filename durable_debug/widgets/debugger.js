/*
 * The debugger's panel. One plain module: no build step, no network, no imports.
 *
 * What comes from Python: traits (`operations`, `source`: once; `view`: at every stop) and answers to requests (`_messages.py` has their shapes). What goes back: requests, and nothing else.
 *
 * A history is somebody's data and may be hostile: text only ever becomes a text node or an attribute's value; no HTML
 * is parsed anywhere in this file. Each pane is a function from the panel to `{ node, update }`.
 */

// ---- text -------------------------------------------------------------------------------------------------------------

// Controls that are invisible, or that turn the reading direction around, are shown as what they are.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const plain = (text) => String(text ?? "").replace(HIDDEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

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
const RING = "M8 1.75a6.25 6.25 0 1 0 .01 0z";
const DOT = "M8 12.2a.9.9 0 1 0 .01 0z";
const ICONS = {
  run: "M4.5 2.75v10.5L13 8z",
  run_back: "M11.5 2.75v10.5L3 8z",
  step: `M2.5 8.5a5.5 5.5 0 0 1 10.6-1.8M13.5 2.75v4.2H9.3${DOT}`,
  step_back: `M13.5 8.5A5.5 5.5 0 0 0 2.9 6.7M2.5 2.75v4.2h4.2${DOT}`,
  step_in: `M8 1.75v7M4.75 5.75L8 9l3.25-3.25${DOT}`,
  step_out: `M8 9.25v-7M4.75 5.25L8 2l3.25 3.25${DOT}`,
  line: "M2.5 3.75h7M2.5 12.25h7M2.5 8h10M10 5.25L12.75 8 10 10.75",
  line_back: "M13.5 3.75h-7M13.5 12.25h-7M13.5 8h-10M6 5.25L3.25 8 6 10.75",
  restart: "M2.75 2.75v3.9h3.9M3.1 6.6A5.4 5.4 0 1 1 2.7 9.3",
  help: "M5.75 6a2.25 2.25 0 1 1 3.2 2.05c-.6.3-.95.75-.95 1.45M8 12.4v.1",
  close: "M4 4l8 8M12 4l-8 8",
  fold: "M6 4l4 4-4 4",
  edit: "M3 13h2.5L13 5.5 10.5 3 3 10.5z",
  here: "M3.5 3.5h5L13 8l-4.5 4.5h-5z",
  S: `${RING}M5.2 8.2l2 2 3.7-4.2`,
  F: `${RING}M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6`,
  T: `${RING}M8 4.6V8l2.4 1.4`,
  X: "M3 3h10v10H3zM6.2 6.2h3.6v3.6H6.2z",
  C: `${RING}M3.8 12.2l8.4-8.4`,
  s: `${RING}M6.6 5.4v5.2L10.8 8z`,
  p: "M13.2 8a5.2 5.2 0 1 1-1.6-3.75M13 1.9v2.9h-2.9",
  r: "M8 1.75L14.25 8 8 14.25 1.75 8zM6 8h4",
  ".": RING,
  "-": "M2.75 2.75h10.5v10.5H2.75zM8 5.5v5M5.5 8h5",
  v: "M2.75 2.75h10.5v10.5H2.75z",
  "?": `${RING}M6.4 6.5a1.6 1.6 0 1 1 2.3 1.5c-.5.25-.7.5-.7 1M8 11.2v.1`,
};

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "dd-icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const repaint = (svg, name) => svg.firstChild.setAttribute("d", ICONS[name]);
const empty = (text) => make("p", { class: "dd-empty" }, text);
const iconButton = (name, label, click, extra = {}) =>
  make("button", { type: "button", class: "dd-quiet", "aria-label": label, title: label, click, ...extra }, icon(name));

/** Arrow keys, Home and End walk over what `selector` finds in a container: one stop for the Tab key. */
function roving(container, selector) {
  container.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!move || !event.target.matches(selector)) return;
    const all = [...container.querySelectorAll(selector)];
    const at = Math.min(all.length - 1, Math.max(0, all.indexOf(event.target) + move));
    event.preventDefault();
    all.forEach((one, index) => one.setAttribute("tabindex", index === at ? 0 : -1));
    all[at].focus();
  });
}

// ---- words ------------------------------------------------------------------------------------------------------------

// By letter of `view.statuses`: the service's status, and the word for it.
const STATUS = {
  S: ["SUCCEEDED", "Succeeded"],
  F: ["FAILED", "Failed"],
  T: ["TIMED_OUT", "Timed out"],
  X: ["STOPPED", "Stopped"],
  C: ["CANCELLED", "Cancelled"],
  s: ["STARTED", "Started"],
  p: ["PENDING", "Pending"],
  r: ["READY", "Ready"],
  ".": [null, "Not begun"],
  "-": ["", "Not recorded"],
  v: ["VIRTUAL", "Virtual"],
  "?": [null, "Unknown"],
};
const LETTER = Object.fromEntries(
  Object.entries(STATUS)
    .filter(([, [name]]) => name != null)
    .map(([letter, [name]]) => [name, letter]),
);

// Each verb: its name in the session, its button, its keys, what it does.
const VERBS = [
  ["run_back", "Run back", ["Shift+F5", "Shift+C"], "Go back to the breakpoint before, or to the beginning"],
  ["step_back", "Step back", ["Shift+F10", "p"], "Go back to the operation before, over what is inside"],
  ["line_back", "Line back", ["Shift+F8", "k"], "Go back to the line of your code that ran before"],
  ["line", "Next line", ["F8", "j"], "Go on to the next line of your code that runs"],
  ["step", "Step over", ["F10", "n"], "Go on to the next operation, over what is inside this one"],
  ["step_in", "Step in", ["F11", "i"], "Go on to the next operation, into a child context, map item or branch too"],
  ["step_out", "Step out", ["Shift+F11", "o"], "Go on to the next operation outside this context"],
  ["run", "Run", ["F5", "c"], "Go on to the next breakpoint, or to the end"],
  ["restart", "Restart", ["r"], "Go to the first operation"],
];
const OTHER_KEYS = [
  ["F9", "Set or clear a breakpoint: at the chosen operation, or at the current line"],
  ["b", "The same"],
  ["g", "Go to a position, an event or a name"],
  ["e", "Evaluate an expression"],
  ["/", "Find an operation"],
  ["Esc", "Leave a box, close this list"],
  ["?", "Show this list"],
  ["↑ ↓ ← →", "In a list: move, fold and unfold; Enter goes there"],
];
const keyWords = (keys) => keys.map((key) => key.replace("Shift+", "⇧")).join(" or ");

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
  signal.addEventListener("abort", () => {
    model.off("msg:custom", receive);
    waiting.clear();
  });
  return (kind, fields = {}) =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      model.send({ ...fields, id, kind });
    });
}

// ---- the panel --------------------------------------------------------------------------------------------------------

function createPanel(model, signal) {
  const ask = connect(model, signal);
  const panel = {
    model,
    signal,
    rows: model.get("operations"),
    view: model.get("view"),
    frame: 0, // number of the frame that is looked at
    chosen: -1, // row that is looked at, where that is not the current one
    stamp: 0, // counts stops: answers to older questions are dropped
    panes: [],
  };
  panel.notify = (text, kind = "problem") => panel.notice.show(text, kind);
  /** Look something up; gives undefined where it can't be had, or where it is too late. */
  panel.look = async (kind, fields, { stale = true } = {}) => {
    const stamp = panel.stamp;
    const answer = await ask(kind, fields);
    if (signal.aborted || (stale && stamp !== panel.stamp)) return undefined;
    return answer;
  };
  /** Give a command. */
  panel.tell = async (kind, fields) => {
    const slow = setTimeout(
      () => panel.notify("No answer yet: the kernel is busy, or gone. Run the cell again if it is gone.", "info"),
      6000,
    );
    const answer = await ask(kind, fields);
    clearTimeout(slow);
    if (signal.aborted) return;
    if (!answer.ok) {
      panel.refresh();
      panel.notify(answer.error);
    } else if (answer.data?.note) panel.notify(answer.data.note, "info");
    else panel.notice.hide("info");
  };
  panel.move = (kind, fields) => {
    panel.running();
    panel.tell(kind, fields);
  };
  panel.verb = (verb) => panel.move("verb", { verb });
  panel.goto = (row) => {
    const stop = panel.rows.stop[row];
    if (stop >= 0) panel.move("goto", { index: stop });
    else panel.choose(row);
  };
  panel.choose = (row) => {
    panel.chosen = row;
    panel.refresh();
  };
  panel.chosenRow = () => (panel.chosen >= 0 ? panel.chosen : panel.view.row);
  panel.marked = () => {
    const enabled = new Map(panel.view.breakpoints.map((one) => [one.id, one.enabled]));
    panel.marks = new Map(); // row: whether one of its breakpoints is enabled
    for (const [id, rows] of model.get("marks")) {
      for (const row of rows) panel.marks.set(row, enabled.get(id) || panel.marks.get(row) === true);
    }
  };
  panel.toggleName = (row) => {
    const name = panel.rows.name[row];
    if (name == null) return panel.tell("break", { fields: { position: panel.rows.position[row] } });
    const own = panel.view.breakpoints.find((one) => one.spec === `name=${name}`);
    return own ? panel.tell("clear", { breakpoint: own.id }) : panel.tell("break", { fields: { name } });
  };
  panel.toggleLine = (file, line) => {
    const own = panel.view.breakpoints.find((one) => one.file === file && one.line === line);
    return own ? panel.tell("clear", { breakpoint: own.id }) : panel.tell("break", { fields: { file, line } });
  };
  panel.refresh = () => panel.panes.forEach((pane) => pane.update(panel.view));
  panel.moved = () => {
    const before = panel.view;
    panel.view = model.get("view");
    const { index, kind, line_index } = panel.view;
    if (before.index !== index || before.kind !== kind || before.line_index !== line_index) {
      panel.stamp += 1;
      panel.frame = panel.view.frames[0]?.frame ?? 0;
      panel.chosen = -1;
    }
    panel.marked();
    panel.refresh();
  };
  panel.marked();
  return panel;
}

// ---- toolbar, status line, notices ------------------------------------------------------------------------------------

function toolbar(panel, help) {
  const buttons = VERBS.map(([verb, label, keys, about]) =>
    make(
      "button",
      {
        type: "button",
        class: `dd-button dd-${verb.replace("_", "-")}`,
        "aria-label": label,
        "aria-keyshortcuts": keys.join(" "),
        title: `${label} (${keyWords(keys)}): ${about}`,
        click: () => panel.verb(verb),
      },
      icon(verb),
      make("span", { class: "dd-label" }, label),
    ),
  );
  const box = make("input", {
    class: "dd-input dd-goto",
    type: "text",
    placeholder: "Go to 2-0, event 17, name",
    "aria-label": "Go to a position, an event or a name",
    title: "Go to a position (2-0-1), an event (event 17) or a name (g)",
    spellcheck: "false",
    autocomplete: "off",
    keydown: (event) => {
      if (event.key !== "Enter" || !box.value.trim()) return;
      panel.move("goto", { text: box.value });
      box.select();
    },
  });
  panel.gotoBox = box;
  const node = make(
    "div",
    { class: "dd-toolbar", role: "toolbar", "aria-label": "Debugger" },
    make("div", { class: "dd-group" }, ...buttons.slice(0, 2)),
    make("div", { class: "dd-group" }, ...buttons.slice(2, 4)),
    make("div", { class: "dd-group" }, ...buttons.slice(4, 7)),
    make("div", { class: "dd-group" }, ...buttons.slice(7)),
    box,
    make(
      "button",
      {
        type: "button",
        class: "dd-button",
        "aria-label": "Keyboard shortcuts",
        title: "Keyboard shortcuts (?)",
        click: help.toggle,
      },
      icon("help"),
    ),
  );
  const update = (view) => {
    const closed = view.status === "closed";
    const atStart = view.index <= 0;
    const atEnd = view.kind === "end";
    for (const [at, [verb]] of VERBS.entries()) {
      const back = verb.endsWith("back") || verb === "restart";
      const first = verb === "line_back" ? view.line_index === 0 : atStart;
      buttons[at].setAttribute("aria-disabled", String(closed || (verb.endsWith("back") ? first : !back && atEnd)));
    }
    box.disabled = closed;
  };
  return { node, update };
}

function statusLine(panel) {
  const words = make("span", { class: "dd-headline" });
  const progress = make("span", { class: "dd-progress" }, make("span"));
  const node = make(
    "div",
    { class: "dd-statusline" },
    make("div", { class: "dd-words", role: "status", "aria-live": "polite" }, words),
    progress,
  );
  const update = (view) => {
    node.dataset.kind = view.kind;
    node.dataset.status = view.status;
    const text = plain(view.headline);
    if (words.textContent !== text) words.textContent = text;
    words.title = text;
    const done = view.kind === "operation" ? view.index : view.total;
    progress.firstChild.style.width = `${view.total ? Math.min(100, (100 * done) / view.total) : 100}%`;
  };
  panel.running = () => {
    node.dataset.status = "running";
  }; // until the next view says otherwise
  return { node, update };
}

/** One line for what went wrong (`problem`) or is good to know (`info`). */
function noticeLine(panel) {
  const text = make("span", { class: "dd-notice-text" });
  const node = make(
    "div",
    { class: "dd-notice", role: "alert", hidden: true },
    text,
    iconButton("close", "Dismiss", () => hide()),
  );
  let serial = -1;
  const show = (message, kind) => {
    text.textContent = plain(message);
    node.dataset.kind = kind;
    node.hidden = false;
  };
  const hide = (kind) => {
    if (!kind || node.dataset.kind === kind) node.hidden = true;
  };
  const update = (view) => {
    if (view.serial === serial) return;
    serial = view.serial;
    if (view.problem) show(view.problem, "problem");
    else hide("problem");
  };
  panel.notice = { show, hide };
  return { node, update };
}

/** What the replay does otherwise at this stop. */
function divergenceLine(panel) {
  const text = make("span", { class: "dd-notice-text" });
  const node = make(
    "div",
    { class: "dd-notice", "data-kind": "divergence", role: "status", hidden: true },
    text,
    make("button", { type: "button", class: "dd-button dd-small", click: () => panel.showDivergences() }, "Both sides"),
  );
  const update = (view) => {
    node.hidden = !view.here.length;
    const more = view.here.length > 1 ? ` And ${count(view.here.length - 1, "other")}.` : "";
    text.textContent = view.here.length ? `Divergence: ${plain(view.here[0])}${more}` : "";
  };
  return { node, update };
}

function helpOverlay(panel) {
  const line = (keys, about) => [
    make("dt", {}, ...keys.flatMap((key) => [make("kbd", {}, key.replace("Shift+", "⇧")), " "])),
    make("dd", {}, about),
  ];
  const close = iconButton("close", "Close", () => toggle());
  const node = make(
    "div",
    { class: "dd-help", role: "dialog", "aria-modal": "true", "aria-label": "Keyboard shortcuts", hidden: true },
    make(
      "div",
      { class: "dd-help-box" },
      make("div", { class: "dd-help-head" }, make("strong", {}, "Keyboard shortcuts"), close),
      make("p", { class: "dd-muted" }, "They act while the panel has the focus."),
      make(
        "dl",
        {},
        ...VERBS.flatMap(([, label, keys, about]) =>
          line([...keys].reverse(), `${label}: ${about[0].toLowerCase()}${about.slice(1)}`),
        ),
        ...OTHER_KEYS.flatMap(([key, about]) => line([key], about)),
      ),
    ),
  );
  node.addEventListener("click", (event) => {
    if (event.target === node) toggle();
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Tab") {
      event.preventDefault();
      close.focus();
    }
  });
  const toggle = () => {
    node.hidden = !node.hidden;
    (node.hidden ? panel.root : close).focus();
  };
  return { node, toggle, update() {} };
}

// ---- the list of operations -------------------------------------------------------------------------------------------

const ROW = 24;
const MANY = 300; // more rows than this start folded

/** The tree behind the list: which rows there are to see. Rows are in reading order, so what is inside one follows it. */
function operationTree(rows) {
  const size = rows.position.length;
  const end = new Int32Array(size); // first row that is no longer inside
  for (let row = size - 1; row >= 0; row -= 1) {
    end[row] = Math.max(end[row], row + 1);
    const parent = rows.parent[row];
    if (parent >= 0) end[parent] = Math.max(end[parent], end[row]);
  }
  const hasInside = (row) => end[row] > row + 1;
  const open = new Set();
  if (size <= MANY) for (let row = 0; row < size; row += 1) if (hasInside(row)) open.add(row);
  const around = (row) => {
    const found = new Set();
    for (let up = row >= 0 ? rows.parent[row] : -1; up >= 0; up = rows.parent[up]) found.add(up);
    return found;
  };
  /** Rows to show: of what is unfolded, what lies around the current row, and what the filter lets through. */
  const visible = (current, filter) => {
    const found = [];
    if (filter) {
      const wanted = new Set();
      for (let row = 0; row < size; row += 1)
        if (filter(row)) {
          wanted.add(row);
          for (const up of around(row)) wanted.add(up);
        }
      return [...wanted].sort((a, b) => a - b);
    }
    const held = around(current);
    for (let row = 0; row < size;) {
      found.push(row);
      row = open.has(row) || held.has(row) ? row + 1 : end[row];
    }
    return found;
  };
  return { size, open, hasInside, visible, encloses: (row, other) => other > row && other < end[row] };
}

function operationsPane(panel) {
  const { rows } = panel;
  const tree = operationTree(rows);
  const prefix = `dd-${Math.random().toString(36).slice(2)}`;
  const inner = make("div", { class: "dd-rows" });
  const list = make("div", { class: "dd-list", role: "tree", tabindex: 0, "aria-label": "Operations" }, inner);
  const summary = make("span", { class: "dd-muted dd-summary" });
  const filterBox = make("input", {
    class: "dd-input dd-filter",
    type: "search",
    placeholder: "Find…",
    "aria-label": "Find an operation",
    title: "Find by name, position, kind or status (/)",
    spellcheck: "false",
    input: () => {
      refilter();
    },
  });
  panel.filterBox = filterBox;
  const pool = [];
  let shown = [];
  let cursor = 0; // row that the keyboard is at
  let filter = null;
  let seen = -2; // row that was last scrolled to

  const lookOf = (row) => {
    const { view } = panel;
    const recorded = rows.statuses[rows.recorded[row]];
    const stop = rows.stop[row];
    const current = row === view.row;
    const reached = stop >= 0 && (view.kind !== "operation" || stop < view.index);
    const inside = view.row > row && tree.encloses(row, view.row);
    const letter = inside ? "s" : (LETTER[recorded] ?? "?");
    const word = letter === "?" ? plain(recorded).toLowerCase() : STATUS[letter][1];
    const when = current ? "current" : inside ? "inside" : reached ? "reached" : stop >= 0 ? "ahead" : "unasked";
    return { letter, word, when };
  };
  const said = {
    current: "about to be answered, recorded",
    inside: "entered,",
    reached: "answered,",
    ahead: "not reached yet, recorded",
    unasked: "never asked for, recorded",
  };

  const newRow = () => {
    const node = make(
      "div",
      { class: "dd-row", role: "treeitem" },
      make("button", { type: "button", class: "dd-dot", tabindex: -1, "data-do": "dot" }),
      make("span", { class: "dd-here" }, icon("here")),
      make("span", { class: "dd-indent" }),
      make(
        "button",
        { type: "button", class: "dd-twist", tabindex: -1, "data-do": "twist", "aria-hidden": "true" },
        icon("fold"),
      ),
      make("span", { class: "dd-status" }, icon(".")),
      make("span", { class: "dd-position" }),
      make("span", { class: "dd-name" }),
      make("span", { class: "dd-kind" }),
      make("span", { class: "dd-tries" }),
      make("span", { class: "dd-word" }),
    );
    const [dot, , indent, twist, status, position, name, kind, tries, word] = node.children;
    inner.append(node);
    return { node, dot, indent, twist, status, position, name, kind, tries, word };
  };

  const paintRow = (one, at) => {
    const row = shown[at];
    const { letter, word, when } = lookOf(row);
    const inside = tree.hasInside(row);
    const open = inside && rows.parent[shown[at + 1]] === row;
    const name = rows.name[row];
    const kind = rows.kinds[rows.kind[row]];
    const marked = panel.marks.get(row); // undefined without a breakpoint
    const { node } = one;
    node.id = `${prefix}-${row}`;
    node.dataset.row = row;
    node.dataset.when = when;
    node.dataset.letter = letter;
    node.classList.toggle("dd-cursor", row === cursor);
    node.setAttribute("aria-level", rows.depth[row] + 1);
    node.setAttribute("aria-selected", row === panel.chosenRow());
    if (when === "current") node.setAttribute("aria-current", "step");
    else node.removeAttribute("aria-current");
    if (inside) node.setAttribute("aria-expanded", open);
    else node.removeAttribute("aria-expanded");
    const text = plain(name ?? "no name");
    node.setAttribute(
      "aria-label",
      [rows.position[row], text, kind, said[when], word.toLowerCase(), marked != null ? "breakpoint" : ""]
        .filter(Boolean)
        .join(" "),
    );
    const then = STATUS[panel.view.statuses[row]]?.[1].toLowerCase() ?? "unknown";
    node.title = `${rows.position[row]}  ${text}\n${kind}: ${said[when]} ${word.toLowerCase()}\nFor the service, as of then: ${then}`;
    one.dot.dataset.on = marked == null ? "no" : marked ? "yes" : "off";
    one.dot.setAttribute("aria-label", `Breakpoint at ${text}`);
    one.dot.setAttribute("aria-pressed", marked != null);
    one.indent.style.setProperty("--depth", Math.min(rows.depth[row], 12));
    one.twist.dataset.open = inside ? open : "none";
    repaint(one.status.firstChild, letter in ICONS ? letter : "?");
    one.position.textContent = plain(rows.position[row]);
    one.name.textContent = text;
    one.name.classList.toggle("dd-muted", name == null);
    one.kind.textContent = kind;
    one.tries.textContent = rows.attempts[row] > 1 ? `×${rows.attempts[row]}` : "";
    one.word.textContent = when === "unasked" ? "Not asked for" : word;
  };

  const paint = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
    const wanted = Math.min(shown.length - first, Math.ceil((list.clientHeight || 400) / ROW) + 8);
    while (pool.length < wanted) pool.push(newRow());
    pool.forEach((one, at) => {
      const used = at < wanted;
      one.node.hidden = !used;
      if (!used) return;
      one.node.style.transform = `translateY(${(first + at) * ROW}px)`;
      paintRow(one, first + at);
    });
    const at = shown[binary(shown, cursor)] === cursor;
    if (at) list.setAttribute("aria-activedescendant", `${prefix}-${cursor}`);
    else list.removeAttribute("aria-activedescendant");
  };

  const layout = () => {
    shown = tree.visible(panel.view.row, filter);
    inner.style.height = `${shown.length * ROW}px`;
  };
  const reveal = (row, middle) => {
    const at = binary(shown, row);
    if (shown[at] !== row) return;
    const top = at * ROW;
    const height = list.clientHeight;
    if (top < list.scrollTop || top + ROW > list.scrollTop + height) {
      list.scrollTop = middle ? Math.round((top - height / 2) / ROW) * ROW : top < list.scrollTop ? top : top + ROW - height;
    }
  };
  const refilter = () => {
    const wanted = filterBox.value.trim().toLowerCase();
    const words = (row) => [
      rows.position[row],
      rows.name[row],
      rows.kinds[rows.kind[row]],
      lookOf(row).word,
      rows.statuses[rows.recorded[row]],
    ];
    filter = wanted ? (row) => words(row).join(" ").toLowerCase().includes(wanted) : null;
    layout();
    if (!filter) reveal(panel.view.row, true);
    paint();
  };
  const fold = (row, open) => {
    if (open) tree.open.add(row);
    else tree.open.delete(row);
    layout();
    paint();
  };
  const move = (row) => {
    cursor = row;
    panel.chosen = row === panel.view.row ? -1 : row;
    reveal(row, false);
    paint();
    panel.looked();
  };

  const keys = {
    ArrowDown: (at) => move(shown[Math.min(at + 1, shown.length - 1)]),
    ArrowUp: (at) => move(shown[Math.max(at - 1, 0)]),
    PageDown: (at) => move(shown[Math.min(at + Math.floor(list.clientHeight / ROW), shown.length - 1)]),
    PageUp: (at) => move(shown[Math.max(at - Math.floor(list.clientHeight / ROW), 0)]),
    Home: () => move(shown[0]),
    End: () => move(shown.at(-1)),
    ArrowRight: (at) => {
      if (tree.hasInside(cursor) && rows.parent[shown[at + 1]] !== cursor) fold(cursor, true);
      else if (at + 1 < shown.length) move(shown[at + 1]);
    },
    ArrowLeft: () => {
      if (tree.open.has(cursor)) fold(cursor, false);
      else if (rows.parent[cursor] >= 0) move(rows.parent[cursor]);
    },
    Enter: () => panel.goto(cursor),
    F9: () => panel.toggleName(cursor),
    b: () => panel.toggleName(cursor),
  };
  list.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || !shown.length) return;
    event.preventDefault();
    event.handled = true;
    act(binary(shown, cursor));
  });
  inner.addEventListener("click", (event) => {
    const node = event.target.closest(".dd-row");
    if (!node) return;
    const row = Number(node.dataset.row);
    const what = event.target.closest("[data-do]")?.dataset.do;
    list.focus({ preventScroll: true });
    if (what === "dot") return panel.toggleName(row);
    if (what === "twist" && tree.hasInside(row)) return fold(row, node.getAttribute("aria-expanded") !== "true");
    cursor = row;
    return panel.goto(row);
  });
  list.addEventListener("scroll", paint, { passive: true });
  const watch = new ResizeObserver(paint);
  watch.observe(list);
  panel.signal.addEventListener("abort", () => watch.disconnect());

  const node = make("div", { class: "dd-operations" }, make("div", { class: "dd-tools" }, filterBox, summary), list);
  const update = (view) => {
    layout();
    if (view.row >= 0 && view.row !== seen) {
      cursor = view.row;
      reveal(view.row, true);
    }
    seen = view.row;
    const reached = view.kind === "operation" ? view.index : view.total;
    summary.textContent = `${reached.toLocaleString("en")} of ${count(view.total, "operation")} answered`;
    if (!tree.size) inner.replaceChildren(empty("This history has no operations, and the handler asked for none."));
    else paint();
  };
  return { node, update };
}

/** Index of the last entry that is at most `value`, in a sorted array; 0 at least. */
function binary(sorted, value) {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sorted[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

// ---- source -----------------------------------------------------------------------------------------------------------

const LINE = 20;

function drawSource(source) {
  const holds = new Set(source.operations);
  const lines = source.lines.map((tokens, index) => {
    const code = make("span", { class: "dd-text" });
    for (let at = 0; at < tokens.length; at += 2) {
      const text = plain(tokens[at + 1]);
      code.append(tokens[at] ? make("span", { class: `dd-tok-${tokens[at]}` }, text) : text);
    }
    const number = index + 1;
    return make(
      "div",
      { class: "dd-line", "data-line": number, "data-holds": holds.has(number) },
      make(
        "button",
        {
          type: "button",
          class: "dd-gutter",
          tabindex: -1,
          "aria-pressed": "false",
          "aria-label": `Breakpoint at line ${number}`,
        },
        String(number),
      ),
      code,
    );
  });
  const node = make("div", { class: "dd-lines" }, ...lines);
  if (!lines.length) node.append(empty("The source of this file can't be read here. Everything else works."));
  if (source.cut) node.append(empty(`Only the first ${count(lines.length, "line")} are shown.`));
  return { node, lines };
}

function sourcePane(panel) {
  const first = panel.model.get("source");
  const files = new Map([[first.file, drawSource(first)]]);
  const titles = new Map([[first.file, first.title]]);
  const wanted = new Set();
  const tabs = make("div", { class: "dd-tabs", role: "tablist", "aria-label": "Files" });
  const code = make("div", { class: "dd-code", role: "tabpanel", "aria-label": "Source" });
  let file = null; // shown
  let chosen = null; // by a click on a tab, until the next stop
  let stamp = -1;
  let marked = [];

  const show = async (name) => {
    if (!files.has(name)) {
      if (wanted.has(name)) return;
      wanted.add(name);
      const answer = await panel.look("source", { file: name }, { stale: false });
      wanted.delete(name);
      if (!answer) return;
      files.set(name, drawSource(answer.ok ? answer.data : { lines: [], operations: [], cut: false }));
      panel.refresh();
      return;
    }
    if (file !== name) {
      file = name;
      code.replaceChildren(files.get(name).node);
      code.setAttribute("aria-label", `Source of ${plain(titles.get(name))}`);
    }
  };

  const place = () => {
    const { view } = panel;
    const frame = view.frames.find((one) => one.frame === panel.frame);
    if (view.file != null && (!frame || frame === view.frames[0])) {
      return { file: view.file, line: view.line, end: view.end_line, kind: "current" };
    }
    return frame ? { file: frame.file, line: frame.line, end: frame.line, kind: "caller" } : null;
  };

  const drawTabs = (at) => {
    for (const frame of panel.view.frames) titles.set(frame.file, frame.title);
    const names = [...titles.keys()].filter((name) => name);
    if (tabs.childElementCount === names.length && tabs.dataset.shown === file) return;
    tabs.dataset.shown = file;
    tabs.replaceChildren(
      ...names.map((name) =>
        make(
          "button",
          {
            type: "button",
            role: "tab",
            class: "dd-tab",
            "aria-selected": name === file,
            tabindex: name === file ? 0 : -1,
            title: plain(name),
            click: () => {
              chosen = name;
              update(panel.view);
            },
          },
          plain(titles.get(name)),
        ),
      ),
    );
    if (!names.includes(at?.file) && !names.length) tabs.replaceChildren(make("span", { class: "dd-muted" }, "Source"));
  };

  const unmark = (node) => {
    node.classList.remove("dd-current", "dd-caller", "dd-within");
    node.removeAttribute("aria-current");
    const gutter = node.firstChild;
    gutter.removeAttribute("data-break");
    gutter.removeAttribute("title");
    gutter.setAttribute("aria-pressed", "false");
  };
  const mark = (at) => {
    marked.forEach(unmark);
    marked = [];
    const { lines } = files.get(file) ?? { lines: [] };
    for (const one of panel.view.breakpoints) {
      const node = one.file === file && one.line ? lines[one.line - 1] : null;
      if (!node) continue;
      const gutter = node.firstChild;
      gutter.dataset.break = one.enabled ? (one.bound ? "on" : "unbound") : "off";
      gutter.setAttribute("aria-pressed", "true");
      gutter.title = plain(
        [one.spec, one.when && !one.spec.includes("when") ? `when ${one.when}` : "", one.note].filter(Boolean).join("\n"),
      );
      marked.push(node);
    }
    if (at?.file === file) {
      for (let line = at.line; line <= Math.min(at.end, at.line + 40); line += 1) {
        const node = lines[line - 1];
        if (!node) continue;
        node.classList.add(line === at.line ? `dd-${at.kind}` : "dd-within");
        if (line === at.line) node.setAttribute("aria-current", "location");
        marked.push(node);
      }
    }
  };
  const reveal = (at) => {
    if (at?.file !== file) return;
    const top = (at.line - 1) * LINE;
    const bottom = Math.max(at.line, Math.min(at.end, at.line + 8)) * LINE;
    const height = code.clientHeight;
    if (top < code.scrollTop + LINE || bottom > code.scrollTop + height - LINE) {
      code.scrollTop = Math.max(0, Math.round((top - height * 0.4) / LINE) * LINE);
    }
    code.scrollLeft = 0;
    const gutters = code.querySelectorAll('.dd-gutter[tabindex="0"]');
    for (const one of gutters) one.setAttribute("tabindex", -1);
    files.get(file).lines[at.line - 1]?.firstChild.setAttribute("tabindex", 0);
  };

  code.addEventListener("click", (event) => {
    const gutter = event.target.closest(".dd-gutter");
    if (gutter) panel.toggleLine(file, Number(gutter.parentNode.dataset.line));
  });
  code.addEventListener("keydown", (event) => {
    const line = event.target.closest?.(".dd-line");
    if ((event.key !== "F9" && event.key !== "b") || !line) return;
    event.handled = true;
    event.preventDefault();
    panel.toggleLine(file, Number(line.dataset.line));
  });
  roving(code, ".dd-gutter");
  roving(tabs, ".dd-tab");

  let last = "";
  let height = code.clientHeight;
  const watch = new ResizeObserver(() => {
    if (!height && code.clientHeight && !chosen) reveal(place()); // it was out of sight, where nothing scrolls
    height = code.clientHeight;
  });
  watch.observe(code);
  panel.signal.addEventListener("abort", () => watch.disconnect());
  const update = (view) => {
    if (panel.stamp !== stamp) chosen = null;
    stamp = panel.stamp;
    const at = place();
    show(chosen ?? at?.file ?? first.file);
    drawTabs(at);
    mark(at);
    const where = `${at?.file}:${at?.line}:${stamp}:${file}:${chosen}`;
    if (where !== last && !chosen) reveal(at);
    last = where;
    code.toggleAttribute("data-closed", view.status === "closed");
  };
  panel.currentPlace = place;
  return { node: make("div", { class: "dd-source" }, tabs, code), update };
}

// ---- call stack, variables, evaluate ----------------------------------------------------------------------------------

function stackPane(panel) {
  const node = make("div", { class: "dd-stack", role: "list" });
  roving(node, ".dd-frame");
  const update = (view) => {
    if (!view.frames.length)
      return node.replaceChildren(
        empty(
          view.kind === "operation"
            ? "No frame of your code is on the stack."
            : "The handler has ended: nothing is on the stack.",
        ),
      );
    const chosen = view.frames.some((one) => one.frame === panel.frame) ? panel.frame : view.frames[0].frame;
    return node.replaceChildren(
      ...view.frames.map((frame) =>
        make(
          "div",
          { role: "listitem" },
          make(
            "button",
            {
              type: "button",
              class: "dd-frame",
              "aria-current": frame.frame === chosen,
              tabindex: frame.frame === chosen ? 0 : -1,
              title: plain(`${frame.file}:${frame.line}`),
              click: () => {
                panel.frame = frame.frame;
                panel.refresh();
                node.querySelector('[aria-current="true"]')?.focus();
              },
            },
            make("span", { class: "dd-function" }, plain(frame.function)),
            make("span", { class: "dd-muted dd-where" }, plain(`${frame.title}:${frame.line}`)),
          ),
        ),
      ),
    );
  };
  return { node, update };
}

function variablesPane(panel) {
  const node = make("div", { class: "dd-variables", role: "tree", "aria-label": "Variables" });
  const open = new Set(); // paths, as JSON
  let before = new Map(); // previews at the stop before, by path
  let now = new Map();
  let key = "";
  roving(node, ".dd-variable");

  const line = (one, path, depth) => {
    const own = JSON.stringify(path);
    const text = plain(one.preview);
    const value = one.preview.replace(/ at 0x[0-9a-f]+/g, ""); // an address says nothing
    const row = make(
      "div",
      {
        class: "dd-variable",
        role: "treeitem",
        tabindex: -1,
        "aria-level": depth + 1,
        "aria-expanded": one.children ? open.has(own) : null,
        style: `--depth:${depth}`,
        title: `${plain(one.name)}: ${plain(one.type)}\n${text.slice(0, 600)}`,
      },
      make("span", { class: "dd-twist", "data-open": one.children ? open.has(own) : "none" }, icon("fold")),
      make("span", { class: "dd-key" }, plain(one.name)),
      make("bdi", { class: "dd-value", "data-changed": before.has(own) && before.get(own) !== value }, text),
      make("span", { class: "dd-type dd-muted" }, plain(one.type)),
    );
    now.set(own, value);
    const inside = make("div", { role: "group" });
    const toggle = async (wanted) => {
      if (!one.children) return;
      if (wanted) open.add(own);
      else open.delete(own);
      row.setAttribute("aria-expanded", wanted);
      row.firstChild.dataset.open = wanted;
      if (wanted) inside.replaceChildren(...(await fetchLines(path, depth + 1)));
      else inside.replaceChildren();
    };
    row.addEventListener("click", () => {
      row.focus();
      toggle(!open.has(own));
    });
    row.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") toggle(event.key === "ArrowRight");
      else if (event.key === "Enter" || event.key === " ") toggle(!open.has(own));
      else return;
      event.preventDefault();
    });
    return { row, inside, more: one.children && open.has(own) ? path : null };
  };

  const fetchLines = async (path, depth) => {
    const answer = await panel.look("variables", { frame: panel.frame, path });
    if (!answer) return [];
    if (!answer.ok) return [empty(plain(answer.error))];
    const nodes = [];
    for (const one of answer.data) {
      const { row, inside, more } = line(one, [...path, one.name], depth);
      if (more && depth < 30) inside.replaceChildren(...(await fetchLines(more, depth + 1)));
      nodes.push(row, inside);
    }
    return nodes;
  };

  const load = async () => {
    const stamp = panel.stamp;
    before = now;
    now = new Map();
    const nodes = await fetchLines([], 0);
    if (stamp !== panel.stamp) return;
    const at = node.contains(document.activeElement)
      ? [...node.querySelectorAll(".dd-variable")].indexOf(document.activeElement)
      : -1;
    node.replaceChildren(...(nodes.length ? nodes : [empty("This frame has no variables.")]));
    const rows = node.querySelectorAll(".dd-variable");
    (rows[Math.max(0, at)] ?? rows[0])?.setAttribute("tabindex", 0);
    if (at >= 0) rows[at]?.focus();
  };
  panel.reloadVariables = load;
  const update = (view) => {
    const wanted = `${panel.stamp} ${panel.frame} ${view.status === "closed"} ${view.frames.length}`;
    if (wanted === key) return;
    key = wanted;
    if (!view.frames.length)
      node.replaceChildren(
        empty(
          view.kind === "operation"
            ? "No frame of your code is on the stack."
            : "The handler has ended. Step back to see its variables.",
        ),
      );
    else if (view.status === "closed") node.replaceChildren(empty("The debugger is closed."));
    else load();
  };
  return { node, update };
}

function evaluatePane(panel) {
  const log = make("div", { class: "dd-evaluated", role: "log", "aria-label": "Values" });
  const history = [];
  let at = 0;
  const evaluate = async () => {
    const expression = box.value.trim();
    if (!expression) return;
    if (history.at(-1) !== expression) history.push(expression);
    at = history.length;
    box.value = "";
    const value = make("bdi", { class: "dd-value dd-muted" }, "…");
    const line = make("div", { class: "dd-evaluation" }, make("div", { class: "dd-expression" }, plain(expression)), value);
    log.append(line);
    while (log.childElementCount > 50) log.firstChild.remove();
    log.scrollTop = log.scrollHeight;
    const answer = await panel.look("evaluate", { frame: panel.frame, expression }, { stale: false });
    if (!answer) return;
    value.classList.remove("dd-muted");
    value.classList.toggle("dd-failed", !answer.ok);
    value.textContent = plain(answer.ok ? answer.data.value : answer.error);
    if (answer.ok) value.title = plain(answer.data.type);
    log.scrollTop = log.scrollHeight;
    panel.reloadVariables();
  };
  const walk = (step) => {
    at = Math.min(history.length, Math.max(0, at + step));
    box.value = history[at] ?? "";
  };
  const box = make("input", {
    class: "dd-input dd-evaluate",
    type: "text",
    placeholder: "order['id']",
    "aria-label": "Evaluate an expression in the chosen frame",
    spellcheck: "false",
    autocomplete: "off",
    title: "Evaluate an expression in the chosen frame (e); ↑ and ↓ bring earlier ones",
    keydown: (event) => {
      if (event.key === "Enter") evaluate();
      else if (event.key === "ArrowUp") walk(-1);
      else if (event.key === "ArrowDown") walk(1);
      else return;
      event.preventDefault();
    },
  });
  panel.evaluateBox = box;
  const update = (view) => {
    box.disabled = view.status === "closed";
  };
  return {
    node: make(
      "div",
      {},
      log,
      make("div", { class: "dd-prompt" }, make("span", { class: "dd-muted", "aria-hidden": "true" }, ">>>"), box),
    ),
    update,
  };
}

// ---- breakpoints ------------------------------------------------------------------------------------------------------

const BREAK_KINDS = [
  ["name", "Name", "charge-*"],
  ["status", "Status", "FAILED"],
  ["type", "Type", "CALLBACK"],
  ["sub_type", "Sub-type", "MapIteration"],
  ["position", "Position", "2-0-1"],
  ["event_id", "Event", "17"],
  ["attempt", "Attempt", "2"],
  ["invocation", "Invocation", "2"],
  ["when", "Condition", "total > 100"],
];

function breakpointsPane(panel) {
  const list = make("div", { class: "dd-breakpoints", role: "list" });
  const kind = make(
    "select",
    { class: "dd-input", "aria-label": "Kind of breakpoint", change: () => label() },
    ...BREAK_KINDS.map(([value, title]) => make("option", { value }, title)),
  );
  const value = make("input", {
    class: "dd-input dd-grow",
    type: "text",
    "aria-label": "Where to stop",
    spellcheck: "false",
    autocomplete: "off",
  });
  const hits = make("input", {
    class: "dd-input dd-hits",
    type: "number",
    min: 1,
    placeholder: "hit",
    "aria-label": "Stop from this hit on",
    title: "Stop from this hit on, and not before",
  });
  const label = () => {
    value.placeholder = BREAK_KINDS.find(([name]) => name === kind.value)[2];
  };
  label();
  const form = make(
    "form",
    {
      class: "dd-form",
      "aria-label": "New breakpoint",
      submit: (event) => {
        event.preventDefault();
        if (!value.value.trim()) return value.focus();
        panel.tell("break", { fields: { [kind.value]: value.value.trim(), hits: hits.value } });
        value.value = hits.value = "";
        return value.focus();
      },
    },
    kind,
    value,
    hits,
    make("button", { type: "submit", class: "dd-button dd-small" }, "Add"),
  );
  let drawn = "";
  let editing = null; // the breakpoint whose condition is being typed, and the box

  const conditionBox = (one) => {
    const box = make("input", {
      class: "dd-input dd-condition",
      type: "text",
      value: one.when ?? "",
      placeholder: "condition, such as total > 100",
      "aria-label": `Condition of breakpoint ${one.id}`,
      spellcheck: "false",
      keydown: (event) => {
        if (event.key === "Enter") panel.tell("condition", { breakpoint: one.id, when: box.value.trim() });
        else if (event.key !== "Escape") return;
        event.handled = true;
        edit(null);
      },
    });
    return box;
  };
  const edit = (one) => {
    editing = one && { id: one.id, box: conditionBox(one) };
    drawn = "";
    update(panel.view);
    (editing?.box ?? panel.root).focus();
  };
  const line = (one) =>
    make(
      "div",
      { class: "dd-breakpoint", role: "listitem", "data-enabled": one.enabled, "data-bound": one.bound },
      make(
        "div",
        { class: "dd-breakpoint-line" },
        make("input", {
          type: "checkbox",
          checked: one.enabled,
          "aria-label": one.id === 0 ? "Stop at every divergence" : `Breakpoint ${one.id} is on`,
          title: "On or off",
          change: (event) => panel.tell("enable", { breakpoint: one.id, enabled: event.target.checked }),
        }),
        make("span", { class: "dd-muted dd-number" }, one.id === 0 ? "" : String(one.id)),
        make(
          "bdi",
          { class: "dd-spec", title: plain([one.spec, one.note].filter(Boolean).join("\n")) },
          one.id === 0 ? "every divergence" : plain(one.spec),
        ),
        make(
          "span",
          {
            class: "dd-muted dd-count",
            title: one.hits > 1 ? `Stops from hit ${one.hits} on` : "Times that it was hit up to here",
          },
          one.id === 0 ? "" : one.hits > 1 ? `${one.hit_count} of ${count(one.hits, "hit")}` : count(one.hit_count, "hit"),
        ),
        one.id === 0
          ? null
          : iconButton("edit", `Condition of breakpoint ${one.id}`, () => edit(editing?.id === one.id ? null : one)),
        one.id === 0
          ? null
          : iconButton("close", `Delete breakpoint ${one.id}`, () => panel.tell("clear", { breakpoint: one.id })),
      ),
      one.note && one.id !== 0 ? make("div", { class: "dd-muted dd-note" }, plain(one.note)) : null,
      editing?.id === one.id ? editing.box : null,
    );
  const update = (view) => {
    const wanted = JSON.stringify(view.breakpoints);
    if (wanted === drawn) return;
    drawn = wanted;
    const typing = editing?.box === document.activeElement;
    list.replaceChildren(
      ...view.breakpoints.map(line),
      view.breakpoints.length > 1 ? "" : empty("Click beside a line of the source, or left of an operation, to stop there."),
    );
    if (typing) editing.box.focus();
  };
  return { node: make("div", {}, list, form), update };
}

// ---- one operation, logs, divergences ---------------------------------------------------------------------------------

const MOST_SHOWN = 1_000_000; // characters of a payload

function payloadBlock(panel, row, payload) {
  const text = make("pre", { class: "dd-payload", tabindex: 0, "aria-label": payload.label }, plain(payload.text));
  let { next } = payload;
  const size = make("span", { class: "dd-muted" });
  const say = () => {
    size.textContent =
      next == null ? count(payload.length, "character") : `${next.toLocaleString("en")} of ${count(payload.length, "character")}`;
  };
  const more = make(
    "button",
    {
      type: "button",
      class: "dd-button dd-small",
      hidden: next == null,
      click: async () => {
        more.disabled = true;
        const answer = await panel.look("payload", { row, field: payload.field, start: next }, { stale: false });
        more.disabled = false;
        if (!answer) return;
        if (!answer.ok) {
          panel.notify(answer.error);
          return;
        }
        text.append(plain(answer.data.text));
        next = answer.data.next;
        if (next != null && next >= MOST_SHOWN) {
          more.replaceWith(
            make("span", { class: "dd-muted" }, "More is too much for a page: history.operation(position) has all of it."),
          );
        }
        more.hidden = next == null;
        say();
      },
    },
    "Show more",
  );
  say();
  if (payload.folded) return make("details", { class: "dd-block" }, make("summary", {}, payload.label, " ", size), text, more);
  return make("section", { class: "dd-block" }, make("h4", {}, payload.label, " ", size), text, more);
}

function operationPane(panel) {
  const node = make("div", { class: "dd-operation" });
  let shown = -2;
  const update = async () => {
    const row = panel.chosenRow();
    if (row === shown) return;
    shown = row;
    const answer = await panel.look("operation", { row }, { stale: false });
    if (!answer || row !== shown) return;
    if (!answer.ok) {
      node.replaceChildren(empty(plain(answer.error)));
      return;
    }
    const { title, facts, payloads, attempts } = answer.data;
    const away = row !== panel.view.row;
    const never = row >= 0 && panel.rows.stop[row] < 0;
    node.replaceChildren(
      make(
        "div",
        { class: "dd-operation-head" },
        make("span", { class: "dd-position" }, plain(panel.rows.position[row])),
        make("strong", {}, plain(title)),
        away && never ? make("span", { class: "dd-muted" }, "The handler never asks for it.") : null,
        away && !never
          ? make("button", { type: "button", class: "dd-button dd-small", click: () => panel.goto(row) }, "Go there")
          : null,
      ),
      make(
        "div",
        { class: "dd-operation-body" },
        make(
          "div",
          { class: "dd-blocks" },
          ...payloads.map((payload) => payloadBlock(panel, row, payload)),
          payloads.length
            ? null
            : make(
                "p",
                { class: "dd-muted" },
                row < 0 ? "It returned nothing." : "The history holds no payload of this operation.",
              ),
          attempts.length > 1 ? attemptsTable(attempts) : null,
        ),
        make(
          "dl",
          { class: "dd-facts" },
          ...facts.flatMap((fact) => [make("dt", {}, fact.label), make("dd", {}, make("bdi", {}, plain(fact.value)))]),
        ),
      ),
    );
    node.scrollTop = 0;
  };
  panel.looked = update;
  return { node, update };
}

const attemptsTable = (attempts) =>
  make(
    "section",
    { class: "dd-block" },
    make("h4", {}, "Attempts"),
    make(
      "table",
      { class: "dd-table" },
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          ...["", "Status", "Started", "Took", "Next after", "Error"].map((head) => make("th", { scope: "col" }, head)),
        ),
      ),
      make(
        "tbody",
        {},
        ...attempts.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, make("bdi", {}, plain(cell)))))),
      ),
    ),
  );

/** A pane whose content is asked for when it is looked at, and again when `key` of the view changes. */
function fetched(panel, kind, key, draw, none, shown) {
  const node = make("div", { class: `dd-${kind}` });
  let have = null;
  let visible = false;
  const update = async () => {
    const wanted = key(panel.view);
    if (!visible || wanted === have) return;
    have = wanted;
    const answer = await panel.look(kind, {}, { stale: false });
    if (!answer || wanted !== have) return;
    if (!answer.ok) {
      node.replaceChildren(empty(plain(answer.error)));
      return;
    }
    const drawn = draw(answer.data);
    node.replaceChildren(...(drawn.length ? drawn : [empty(none)]));
    shown?.(node);
  };
  return {
    node,
    update,
    look: (on) => {
      visible = on;
      update();
    },
  };
}

const logLine = (panel, line, where, title, also = {}) =>
  make(
    "button",
    {
      type: "button",
      class: "dd-log",
      "data-level": line.level,
      disabled: line.row < 0,
      title: line.row < 0 ? null : title,
      click: () => panel.goto(line.row),
      ...also,
    },
    line.time ? make("span", { class: "dd-muted" }, plain(line.time)) : null,
    make("span", { class: "dd-level" }, plain(line.level)),
    make("bdi", { class: "dd-message" }, plain(line.message)),
    make("span", { class: "dd-muted dd-position" }, plain(where)),
  );

const replayedLogs = (panel, lines) =>
  lines.map((line) => {
    const position = line.row < 0 ? "" : panel.rows.position[line.row];
    return logLine(panel, line, position, `Written after ${plain(position)}: go there`);
  });

const recordedLogs = (panel, lines) =>
  lines.map((line) =>
    logLine(panel, line, line.where, `Written by ${plain(line.where)}: go there`, {
      "data-here": line.here,
      "data-platform": line.platform,
    }),
  );

const WROTE_NOTHING = "Up to here the handler has written nothing.";

/** What the replay wrote, and beside it what the execution wrote to CloudWatch, where the history has that. */
const logsPane = (panel) =>
  fetched(
    panel,
    "logs",
    (view) => `${view.logs} ${panel.stamp}`,
    ({ replayed, recorded }) => {
      const lines = replayed.length ? replayedLogs(panel, replayed) : [empty(WROTE_NOTHING)];
      if (!recorded)
        return [
          ...lines,
          make(
            "p",
            { class: "dd-empty" },
            "What the execution wrote to CloudWatch stands beside it where the history has its logs: ",
            make("code", {}, "dd.load(arn, logs=True)"),
          ),
        ];
      const half = (title, drawn, none) =>
        make(
          "section",
          { class: "dd-half", "aria-label": title },
          make("h4", {}, title),
          make("div", { class: "dd-half-lines" }, ...(drawn.length ? drawn : [empty(none)])),
        );
      return [
        half("Written by the replay, up to here", replayed.length ? lines : [], WROTE_NOTHING),
        half(plain(recorded.title), recordedLogs(panel, recorded.lines), "CloudWatch has no log events of it."),
      ];
    },
    "",
    (node) => {
      node.scrollTop = node.querySelector(".dd-half") ? 0 : node.scrollHeight;
      const [left, right] = node.querySelectorAll(".dd-half-lines");
      if (!left) return;
      left.scrollTop = left.scrollHeight;
      const first = right.querySelector('[data-here]');
      right.scrollTop = first ? first.offsetTop - right.offsetTop : 0;
    },
  );

const side = (title, text) =>
  make(
    "div",
    { class: "dd-side" },
    make("h4", {}, title),
    text == null ? make("p", { class: "dd-empty" }, "nothing") : make("bdi", {}, plain(text)),
  );

const divergencesPane = (panel) =>
  fetched(
    panel,
    "divergences",
    (view) => `${view.divergences} ${panel.stamp}`,
    (found) =>
      found.map((one) =>
        make(
          "article",
          { class: "dd-divergence", "data-severity": one.severity, "data-here": one.here },
          make(
            "div",
            { class: "dd-divergence-head" },
            make("span", { class: "dd-tag" }, plain(one.kind.replace(/_/g, " "))),
            make("bdi", { class: "dd-message" }, plain(one.message)),
            one.row >= 0
              ? make(
                  "button",
                  { type: "button", class: "dd-button dd-small", click: () => panel.goto(one.row) },
                  one.here ? "Here" : "Go there",
                )
              : null,
          ),
          make(
            "div",
            { class: "dd-sides" },
            side("The history holds", one.recorded),
            side(`The handler asks for${one.place ? ` (${plain(one.place)})` : ""}`, one.asked),
          ),
          one.effect ? make("p", {}, make("span", { class: "dd-muted" }, "On Lambda: "), plain(one.effect)) : null,
          one.advice ? make("p", {}, make("span", { class: "dd-muted" }, "Advice: "), plain(one.advice)) : null,
        ),
      ),
    "None: the handler does what the history says.",
  );

// ---- layout -----------------------------------------------------------------------------------------------------------

/** A pane with a heading that folds it. */
function section(title, pane) {
  const body = make("div", { class: "dd-section-body" }, pane.node);
  const head = make(
    "button",
    {
      type: "button",
      class: "dd-section-head",
      "aria-expanded": true,
      click: () => {
        body.hidden = !body.hidden;
        head.setAttribute("aria-expanded", !body.hidden);
      },
    },
    icon("fold"),
    make("span", {}, title),
  );
  return make("section", { class: "dd-section", "aria-label": title }, head, body);
}

/** A bar that sets one of the panel's sizes, by pointer and by arrow keys. */
function splitter(panel, { variable, label, pane, vertical = false, sign = 1, min, max = () => 2000 }) {
  const size = () => (vertical ? pane.offsetWidth : pane.offsetHeight);
  const set = (value) => {
    const now = Math.round(Math.max(min, Math.min(max(panel.root), value)));
    panel.root.style.setProperty(variable, `${now}px`);
    node.setAttribute("aria-valuenow", now);
  };
  const node = make("div", {
    class: `dd-splitter ${vertical ? "dd-vertical" : "dd-horizontal"}`,
    role: "separator",
    tabindex: 0,
    "aria-label": label,
    title: `${label}: drag, or arrow keys`,
    "aria-orientation": vertical ? "vertical" : "horizontal",
    "aria-valuemin": min,
    pointerdown: (event) => {
      const from = vertical ? event.clientX : event.clientY;
      const before = size();
      const drag = (moved) => set(before + sign * ((vertical ? moved.clientX : moved.clientY) - from));
      node.setPointerCapture(event.pointerId);
      node.addEventListener("pointermove", drag);
      node.addEventListener("lostpointercapture", () => node.removeEventListener("pointermove", drag), { once: true });
      node.focus();
      event.preventDefault();
    },
    keydown: (event) => {
      const step = {
        ArrowLeft: vertical ? -16 : 0,
        ArrowRight: vertical ? 16 : 0,
        ArrowUp: vertical ? 0 : -16,
        ArrowDown: vertical ? 0 : 16,
      }[event.key];
      if (!step) return;
      event.preventDefault();
      set(size() + sign * step);
    },
  });
  return node;
}

/** Tabs over panes below the source. */
function drawer(panel, entries) {
  const badges = entries.map(() => make("span", { class: "dd-badge", hidden: true }));
  const bodies = entries.map(([title, pane]) =>
    make("div", { class: "dd-drawer-body", role: "tabpanel", "aria-label": title, hidden: true }, pane.node),
  );
  const tabs = entries.map(([title], at) =>
    make(
      "button",
      { type: "button", role: "tab", class: "dd-tab", "aria-selected": false, tabindex: -1, click: () => choose(at) },
      title,
      badges[at],
    ),
  );
  const choose = (chosen) => {
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", at === chosen);
      tab.setAttribute("tabindex", at === chosen ? 0 : -1);
    });
    bodies.forEach((body, at) => {
      body.hidden = at !== chosen;
    });
    entries.forEach(([, pane], at) => pane.look?.(at === chosen));
  };
  const bar = make("div", { class: "dd-tabs", role: "tablist", "aria-label": "Details" }, ...tabs);
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = (tabs.indexOf(event.target) + step + tabs.length) % tabs.length;
    event.preventDefault();
    choose(at);
    tabs[at].focus();
  });
  const update = (view) => {
    entries.forEach(([, , badge], at) => {
      const text = badge?.(view) ?? "";
      badges[at].textContent = text;
      badges[at].hidden = !text;
    });
  };
  const body = make("div", { class: "dd-drawer" }, ...bodies);
  return { node: make("section", { "aria-label": "Details" }, bar, body), body, update, choose };
}

function shortcuts(panel, help) {
  const byKey = new Map();
  for (const [verb, , keys] of VERBS) for (const key of keys) byKey.set(key, () => panel.verb(verb));
  byKey.set("g", () => panel.gotoBox.focus());
  byKey.set("e", () => panel.unfold(panel.evaluateBox));
  byKey.set("/", () => panel.unfold(panel.filterBox));
  byKey.set("?", () => help.toggle());
  for (const key of ["F9", "b"])
    byKey.set(key, () => {
      const at = panel.currentPlace();
      if (at) panel.toggleLine(at.file, at.line);
    });
  return (event) => {
    event.stopPropagation(); // the notebook has its own use for these keys
    if (event.handled || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape") {
      if (!help.node.hidden) help.toggle();
      else if (typing) panel.root.focus();
      return;
    }
    const letter = event.key.length === 1;
    if ((typing && letter) || (!help.node.hidden && event.key !== "?")) return;
    const name = letter
      ? event.shiftKey && /[a-z]/i.test(event.key)
        ? `Shift+${event.key.toUpperCase()}`
        : event.key
      : `${event.shiftKey ? "Shift+" : ""}${event.key}`;
    const act = byKey.get(name);
    if (!act) return;
    event.preventDefault();
    act();
  };
}

function build(panel) {
  const help = helpOverlay(panel);
  const panes = {
    toolbar: toolbar(panel, help),
    notice: noticeLine(panel),
    status: statusLine(panel),
    here: divergenceLine(panel),
    operations: operationsPane(panel),
    source: sourcePane(panel),
    variables: variablesPane(panel),
    evaluate: evaluatePane(panel),
    stack: stackPane(panel),
    breakpoints: breakpointsPane(panel),
    operation: operationPane(panel),
    logs: logsPane(panel),
    divergences: divergencesPane(panel),
  };
  const details = drawer(panel, [
    ["Operation", panes.operation],
    ["Breakpoints", panes.breakpoints, (view) => (view.breakpoints.length > 1 ? String(view.breakpoints.length - 1) : "")],
    ["Logs", panes.logs, (view) => (view.logs ? view.logs.toLocaleString("en") : "")],
    ["Divergences", panes.divergences, (view) => (view.divergences ? view.divergences.toLocaleString("en") : "")],
  ]);
  panel.panes = [...Object.values(panes), details];
  panel.root = make("div", {
    class: "dd",
    tabindex: 0,
    role: "region",
    "aria-label": `Debugger: ${plain(panel.model.get("title"))}`,
    "data-lm-suppress-shortcuts": "true",
  });
  const aside = make(
    "div",
    { class: "dd-aside" },
    make("div", { class: "dd-column" }, section("Variables", panes.variables)),
    make("div", { class: "dd-column" }, section("Call stack", panes.stack), section("Evaluate", panes.evaluate)),
  );
  const wide = splitter(panel, {
    variable: "--dd-side",
    label: "Width of the variables",
    pane: aside,
    vertical: true,
    sign: -1,
    min: 180,
    max: (root) => root.clientWidth * 0.5,
  });
  wide.classList.add("dd-side-bar");
  panel.root.append(
    panes.toolbar.node,
    panes.status.node,
    panes.here.node,
    panes.notice.node,
    make(
      "div",
      { class: "dd-main" },
      panes.operations.node,
      splitter(panel, {
        variable: "--dd-operations",
        label: "Width of the operations",
        pane: panes.operations.node,
        vertical: true,
        min: 140,
        max: (root) => root.clientWidth * 0.6,
      }),
      panes.source.node,
      wide,
      aside,
    ),
    splitter(panel, { variable: "--dd-main", label: "Height of the source", pane: panes.source.node, min: 120 }),
    details.node,
    splitter(panel, { variable: "--dd-drawer", label: "Height of the details", pane: details.body, min: 80 }),
    help.node,
  );
  panel.unfold = (box) => {
    const body = box.closest(".dd-section-body");
    if (body?.hidden) body.previousElementSibling.click();
    box.focus();
    box.select?.();
  };
  panel.showDivergences = () => details.choose(3);
  panel.root.addEventListener("keydown", shortcuts(panel, help));
  for (const type of ["keyup", "keypress"]) panel.root.addEventListener(type, (event) => event.stopPropagation());
  details.choose(0);
}

export default {
  render({ model, el }) {
    const ending = new AbortController();
    const panel = createPanel(model, ending.signal);
    build(panel);
    el.classList.add("dd-widget");
    el.append(panel.root);
    panel.refresh();
    model.on("change:view", panel.moved);
    model.on("change:marks", panel.moved);
    model.send({ kind: "shown" });
    return () => {
      model.off("change:view", panel.moved);
      model.off("change:marks", panel.moved);
      ending.abort();
      try {
        model.send({ kind: "hidden" });
      } catch {
        /* the kernel is gone already */
      }
    };
  },
};
