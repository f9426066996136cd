
// ---- rows, folded -----------------------------------------------------------------------------------------------------

const ROW = 22;
const HEAD = 40;
const ORDER = ["context", "wait", "callback", "invoke", "unknown", "backoff", "work", "failed"]; // the last on top
const HEIGHT = { work: 13, failed: 13, context: 2 };
const THIN = 8;

/** Lines that can be shown. A line is one operation, or alike ones that are folded; what it holds is found when wanted. */
function foldedLines(view) {
  const { rows } = view;
  const line = (depth, name, members, parent) => ({ depth, name, rows: members, parent, inside: [], open: true, unfolded: null });
  const top = [];
  const around = [];
  for (const [depth, name, ...members] of view.model.get("groups")) {
    const one = line(depth, name, members, depth ? around[depth - 1] : null);
    (depth ? around[depth - 1].inside : top).push(one);
    around[depth] = one;
  }
  /** One operation by itself, with all that is in it: for what has been unfolded. */
  const single = (row, depth, parent) => {
    const one = line(depth, null, [row], parent);
    one.open = false;
    let made = null;
    Object.defineProperty(one, "inside", { get() {
      if (!made) {
        made = [];
        for (let at = row + 1; at < view.end[row]; at = view.end[at]) made.push(single(at, depth + 1, one));
      }
      return made;
    } });
    return one;
  };
  const unfold = (one) => { one.unfolded ??= one.rows.map((row) => single(row, one.depth + 1, one)); one.open = true; };
  const fold = (one) => { if (one.name != null) one.unfolded = null; else one.open = false; };
  const isFolded = (one) => (one.name != null ? !one.unfolded : one.inside.length > 0 && !one.open);
  const holds = (one) => one.name != null || (one.rows.length === 1 ? view.end[one.rows[0]] > one.rows[0] + 1 || one.inside.length > 0 : false);
  /** What is to be seen now, and the line of each row. */
  const shown = () => {
    const found = [];
    const lineOf = new Int32Array(view.size).fill(-1);
    const walk = (one) => {
      const own = one.unfolded ? [] : one.rows;
      for (const row of own) lineOf[row] = found.length;
      found.push(one);
      if (one.unfolded) one.unfolded.forEach(walk);
      else if (one.open) one.inside.forEach(walk);
    };
    top.forEach(walk);
    for (let row = 0; row < view.size; row += 1) if (lineOf[row] < 0) lineOf[row] = rows.parent[row] >= 0 ? lineOf[rows.parent[row]] : 0;
    return { lines: found, lineOf };
  };
  return { top, unfold, fold, isFolded, holds, shown };
}

// ---- time -------------------------------------------------------------------------------------------------------------

/** From microseconds to places on the page and back: linear between knots, zoomed and moved. */
function timeScale({ knots, places }) {
  const along = (from, to, value) => {
    let low = 0;
    let high = from.length - 1;
    if (high < 1) return to[0] ?? 0;
    while (high - low > 1) { const middle = (low + high) >> 1; if (from[middle] <= value) low = middle; else high = middle; }
    const span = from[high] - from[low];
    return span ? to[low] + ((value - from[low]) / span) * (to[high] - to[low]) : to[low];
  };
  const scale = { width: 1, zoom: 1, left: 0 };
  scale.place = (time) => along(knots, places, time);
  scale.x = (time) => (scale.place(time) - scale.left) * scale.width * scale.zoom;
  scale.time = (x) => along(places, knots, x / (scale.width * scale.zoom) + scale.left);
  scale.move = (left) => { scale.left = Math.max(0, Math.min(1 - 1 / scale.zoom, left)); };
  scale.zoomBy = (factor, x = scale.width / 2) => {
    const under = x / (scale.width * scale.zoom) + scale.left;
    scale.zoom = Math.max(1, Math.min(20_000, scale.zoom * factor));
    scale.move(under - x / (scale.width * scale.zoom));
  };
  scale.show = (start, end) => {
    const [from, to] = [scale.place(start), scale.place(end)];
    const size = Math.max((to - from) * 1.25, 1 / 20_000);
    scale.zoom = Math.max(1, 1 / size);
    scale.move((from + to) / 2 - size / 2);
  };
  scale.fit = () => { scale.zoom = 1; scale.left = 0; };
  scale.knots = knots;
  return scale;
}

function timeline(view) {
  const { model, rows, signal } = view;
  const times = model.get("times");
  const { bars } = times;
  const tree = foldedLines(view);
  const scale = timeScale(times.axis);
  const prefix = `ddv-${Math.random().toString(36).slice(2)}`;
  let { lines, lineOf } = tree.shown();

  // Bars are in the order of rows.
  const firstBar = new Int32Array(view.size + 1).fill(bars.row.length);
  for (let at = bars.row.length - 1; at >= 0; at -= 1) firstBar[bars.row[at]] = at;
  for (let row = view.size - 1; row >= 0; row -= 1) firstBar[row] = Math.min(firstBar[row], firstBar[row + 1]);
  const looks = times.looks;

  // Where each stop is in time: where its operation began, or else where the one before it did.
  const stopTime = [];
  if (view.live) {
    let time = 0;
    for (let stop = 0; stop < view.at.total; stop += 1) {
      const start = times.start[view.rowOfStop[stop] ?? -1] ?? -1;
      if (start >= 0) time = start;
      stopTime.push(time);
    }
    stopTime.push(times.total, times.total);
  }
  const stopsInTime = stopTime.map((_, stop) => stop).sort((one, other) => stopTime[one] - stopTime[other] || one - other);
  const stopAt = (time) => {
    let low = 0;
    let high = view.at.total;
    while (low < high) { const middle = (low + high + 1) >> 1; if (stopTime[stopsInTime[middle]] <= time) low = middle; else high = middle - 1; }
    return stopsInTime[low];
  };

  let wanted = null; // the stop that is travelled to
  let now = view.live ? null : model.get("time") == null ? null : model.get("time") * 1e6; // where the handle is, of a record
  const standing = view.index;
  view.index = () => wanted ?? standing();
  const handleTime = () => (view.live ? stopTime[Math.min(view.index(), stopTime.length - 1)] ?? times.total : now ?? times.total);
  const when = (row) => (view.live || now == null ? view.when(row) : times.start[row] < 0 || times.start[row] <= now ? "reached" : "ahead");

  // ---- nodes

  const axis = make("canvas", { class: "ddv-axis", "aria-hidden": "true" });
  const plot = make("canvas", { class: "ddv-plot", "aria-hidden": "true" });
  const held = make("div", { class: "ddv-held" }, plot);
  const inner = make("div", { class: "ddv-inner" }, held);
  const scroller = make("div", { class: "ddv-scroll", role: "tree", tabindex: 0, "aria-label": "Operations over time" }, inner);
  const handle = make("div", { class: "ddv-handle", role: "slider", tabindex: 0, "aria-label": view.live ? "Stop: travel in time" : "Time", "aria-valuemin": 0, title: "Drag to travel in time; or the arrow keys" });
  const head = make("div", { class: "ddv-playhead" }, handle, make("div", { class: "ddv-playline" }));
  const veil = make("div", { class: "ddv-veil" });
  const over = make("div", { class: "ddv-over" }, veil, head);
  const corner = make("div", { class: "ddv-corner" }, make("span", {}, "Operation"), make("span", {}, "Took"));
  const tip = tooltip(view);
  const columns = splitter({ label: "Width of the names", vertical: true, size: () => corner.offsetWidth, set: (value) => { board.style.setProperty("--ddv-names", `${Math.max(120, Math.min(board.clientWidth - 160, value))}px`); resized(); } });
  const board = make("div", { class: "ddv-board" }, corner, columns, axis, scroller, over);
  const legend = make("div", { class: "ddv-legend", "aria-label": "Legend" });
  const foot = splitter({ label: "Height of the timeline", vertical: false, size: () => scroller.offsetHeight, set: (value) => { scroller.style.maxHeight = "none"; scroller.style.height = `${Math.max(66, Math.min(2000, value))}px`; resized(); } });

  // ---- names

  const pool = [];
  const newLine = () => {
    const dot = make("button", { type: "button", class: "ddv-dot", tabindex: -1, "data-do": "dot", "aria-hidden": "true" });
    const twist = make("button", { type: "button", class: "ddv-twist", tabindex: -1, "data-do": "twist", "aria-hidden": "true" }, icon("fold"));
    const [mark, name, times_, note, took] = ["mark", "name", "times", "note", "took"].map((part) => make("span", { class: `ddv-${part}` }));
    const node = make("div", { class: "ddv-line", role: "treeitem" }, dot, twist, mark, name, times_, note, took);
    inner.append(node);
    return { node, dot, twist, mark, name, times: times_, note, took };
  };
  let stamp = 0; // counts paintings: what is known of a line holds for one
  const lineState = (one) => {
    if (one.stamp !== stamp) {
      one.stamp = stamp;
      let [first, same, reached] = [when(one.rows[0]), true, false];
      for (const row of one.rows) {
        const state = when(row);
        if (state === "current" || state === "inside") { first = state; same = true; if (state === "current") break; continue; }
        same &&= state === first || first === "inside";
        reached ||= state === "reached";
      }
      one.state = same ? first : reached ? "inside" : "ahead";
    }
    return one.state;
  };
  const took = (one) => (one.took === undefined ? (one.took = tookOf(one)) : one.took);
  const tookOf = (one) => {
    let [from, to] = [Infinity, -1];
    for (const row of one.rows) {
      if (times.end[row] < 0) return null;
      from = Math.min(from, times.start[row]);
      to = Math.max(to, times.end[row]);
    }
    return (to - from) / 1e6;
  };
  const chosenIn = (one) => view.chosen >= 0 && !one.unfolded && lines[lineOf[view.chosen]] === one && one.rows.includes(view.chosen);
  const paintName = (part, at) => {
    const one = lines[at];
    const row = one.rows[0];
    const several = one.rows.length > 1;
    const state = lineState(one);
    const status = view.status(row);
    const { node } = part;
    const name = one.name == null ? view.nameOf(row) : plain(one.name);
    const marked = view.marks.size ? one.rows.filter((each) => view.marks.has(each)) : [];
    const diverges = view.diverging.size > 0 && one.rows.some((each) => view.diverging.has(each));
    const lone = view.live && one.rows.every((each) => !view.status(each));
    node.id = `${prefix}-${at}`;
    node.dataset.line = at;
    node.dataset.when = state;
    node.dataset.wrong = view.wrong(status);
    node.dataset.dim = view.matches != null && !one.rows.some((each) => view.matches.has(each));
    node.setAttribute("aria-level", one.depth + 1);
    node.setAttribute("aria-posinset", at + 1);
    node.setAttribute("aria-setsize", lines.length);
    node.setAttribute("aria-selected", chosenIn(one));
    if (tree.holds(one)) node.setAttribute("aria-expanded", !tree.isFolded(one)); else node.removeAttribute("aria-expanded");
    if (state === "current") node.setAttribute("aria-current", "step"); else node.removeAttribute("aria-current");
    node.style.paddingLeft = `${Math.min(one.depth, 12) * 12 + 2}px`;
    part.dot.dataset.on = marked.length ? (marked.some((each) => view.marks.get(each)) ? "yes" : "off") : "no";
    part.twist.dataset.open = tree.holds(one) ? !tree.isFolded(one) : "none";
    part.mark.textContent = lone ? "+" : view.mark(status);
    part.name.textContent = name;
    part.times.textContent = several ? `×${one.rows.length.toLocaleString("en")}` : "";
    const tries = several ? 0 : rows.attempts[row];
    const member = !several || one.unfolded ? null : chosenIn(one) ? view.chosen : state === "current" ? one.rows.find((each) => when(each) === "current") : null;
    part.note.textContent = member != null ? shortened(rows.name[member] === one.name ? rows.position[member] : view.nameOf(member), 24) : lone ? "not recorded" : diverges ? "≠ diverges" : state === "unasked" ? "not asked for" : tries > 1 ? `↻ ${tries}` : "";
    part.note.dataset.bad = lone || diverges || state === "unasked";
    const seconds = took(one);
    part.took.textContent = seconds == null ? "" : duration(seconds);
    const what = several ? `${name}, ${one.rows.length} alike, ${words(status)}` : view.describe(row);
    node.setAttribute("aria-label", [what, several ? view.said[state] : "", several && marked.length ? "breakpoint" : "", tries > 1 ? `${tries} attempts` : "", seconds == null ? "" : `took ${duration(seconds)}`].filter(Boolean).join(", "));
    node.title = [`${rows.position[row]}  ${name}${several ? ` ×${one.rows.length}` : ""}`, `${view.kind(row)}: ${lone ? "not in the history" : words(status)}`, view.said[state], ...one.rows.slice(0, 20).map((each) => view.diverging.get(each)).filter(Boolean).map(plain)].filter(Boolean).join("\n");
  };
  const paintNames = () => {
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - 2);
    const many = Math.min(lines.length - first, Math.ceil((scroller.clientHeight || 400) / ROW) + 4);
    while (pool.length < many) pool.push(newLine());
    pool.forEach((part, at) => {
      part.node.hidden = at >= many;
      if (at >= many) return;
      part.node.style.transform = `translateY(${(first + at) * ROW}px)`;
      paintName(part, first + at);
    });
    const at = view.chosen >= 0 ? lineOf[view.chosen] : -1;
    if (at >= first && at < first + many) scroller.setAttribute("aria-activedescendant", `${prefix}-${at}`); else scroller.removeAttribute("aria-activedescendant");
  };

  // ---- bars

  const barsOf = (one) => {
    if (one.bars) return one.bars;
    const found = new Map();
    for (const row of one.rows) for (let at = firstBar[row]; at < firstBar[row + 1]; at += 1) {
      const look = looks[bars.look[at]];
      if (!found.has(look)) found.set(look, []);
      found.get(look).push({ row, start: bars.start[at], end: bars.start[at] + bars.length[at], attempt: bars.attempt[at], open: bars.open[at], look });
    }
    one.bars = ORDER.filter((look) => found.has(look)).map((look) => {
      const each = found.get(look);
      // Of folded ones, what lies under something else is not seen.
      const seen = [];
      if (one.rows.length > 1) for (const bar of [...each].sort((a, b) => a.start - b.start)) {
        const last = seen.at(-1);
        if (last && bar.start <= last.end) last.end = Math.max(last.end, bar.end); else seen.push({ ...bar });
      }
      return { look, each, seen: one.rows.length > 1 ? seen : each };
    });
    return one.bars;
  };

  const bar = (pen, look, from, to, middle, style) => {
    const high = HEIGHT[look] ?? THIN;
    const left = Math.max(-20, from);
    const width = Math.min(scale.width + 20, to) - left;
    if (look === "context") {
      pen.fillStyle = style.line;
      pen.fillRect(left, middle - 1, Math.max(width, 2), 2);
      for (const end of [from, to]) pen.fillRect(end - (end === to ? 1 : 0), middle - 3, 1, 6);
      return;
    }
    const thin = width < 3;
    pen.fillStyle = thin ? style.line : filling(pen, style);
    if (thin) { pen.fillRect(left, middle - high / 2, Math.max(width, 2), high); return; }
    pen.beginPath();
    pen.roundRect(left + 0.5, middle - high / 2 + 0.5, width - 1, high - 1, look === "work" || look === "failed" ? 2.5 : 1);
    pen.fill();
    pen.strokeStyle = style.line;
    pen.lineWidth = 1;
    pen.stroke();
  };
  const cross = (pen, x, y, color) => {
    pen.strokeStyle = color;
    pen.lineWidth = 1.8;
    pen.beginPath();
    pen.moveTo(x - 3.5, y - 3.5); pen.lineTo(x + 3.5, y + 3.5); pen.moveTo(x + 3.5, y - 3.5); pen.lineTo(x - 3.5, y + 3.5);
    pen.stroke();
  };

  const paintLine = (pen, at) => {
    const one = lines[at];
    const y = at * ROW - scroller.scrollTop;
    const middle = y + ROW / 2;
    const { theme } = view;
    const state = lineState(one);
    if (state === "current" || chosenIn(one)) { pen.fillStyle = state === "current" ? theme.current : theme.shade; pen.fillRect(0, y, scale.width, ROW); }
    pen.globalAlpha = (view.matches && !one.rows.some((row) => view.matches.has(row))) ? 0.25 : 1;
    if (one.unfolded) pen.globalAlpha *= 0.35;
    const numbered = one.rows.length === 1 && rows.attempts[one.rows[0]] > 1;
    for (const { look, seen } of barsOf(one)) {
      const style = theme.looks[look];
      let drawn = -1e9;
      for (const each of seen) {
        const [from, to] = [scale.x(each.start), scale.x(each.end)];
        if (to < -4 || from > scale.width + 4 || to < drawn + 0.5) continue;
        drawn = Math.max(to, from + 2);
        bar(pen, look, from, to, middle, style);
        if (look === "failed") cross(pen, Math.max(to, from + 2), middle, theme.ink);
        if (numbered && (look === "work" || look === "failed")) {
          pen.font = `bold 10px ${theme.font}`;
          const text = String(each.attempt);
          if (to - from > pen.measureText(text).width + (look === "failed" ? 12 : 5)) { pen.fillStyle = theme.dark ? "#10151a" : "#ffffff"; pen.textAlign = "center"; pen.fillText(text, (Math.max(0, from) + Math.min(scale.width, to)) / 2, middle + 0.5); }
        }
        if (each.open && one.rows.length === 1) {
          const end = scale.x(scale.knots.at(-1));
          pen.strokeStyle = pen.fillStyle = theme.muted;
          pen.setLineDash([2, 3]);
          pen.beginPath(); pen.moveTo(to + 2, middle); pen.lineTo(end - 7, middle); pen.stroke();
          pen.setLineDash([]);
          pen.beginPath(); pen.moveTo(end - 1, middle); pen.lineTo(end - 8, middle - 4); pen.lineTo(end - 8, middle + 4); pen.fill();
        }
      }
    }
    if (view.chosen >= 0 && chosenIn(one)) {
      // Of folded ones the selected one is outlined.
      const [from, to] = [scale.x(times.start[view.chosen]), scale.x(times.end[view.chosen] >= 0 ? times.end[view.chosen] : times.total)];
      if (times.start[view.chosen] >= 0) { pen.strokeStyle = theme.accent; pen.lineWidth = 1.5; pen.strokeRect(Math.max(-5, from - 2.5), y + 1.5, Math.min(scale.width + 5, Math.max(to, from + 2)) - Math.max(-5, from - 2.5) + 2.5, ROW - 3); }
    }
    pen.globalAlpha = 1;
    if (view.live && one.rows.every((row) => times.start[row] < 0)) {
      pen.fillStyle = theme.bad;
      pen.font = `italic 11px ${theme.font}`;
      pen.textAlign = "left";
      pen.fillText("+ asked for, not in the history", 8, middle);
    }
  };

  const paintGround = (pen, height) => {
    const { theme } = view;
    const work = theme.looks.work.line;
    for (const [start, end] of times.invocations) {
      const [from, to] = [scale.x(start), scale.x(end)];
      if (to < 0 || from > scale.width) continue;
      pen.fillStyle = theme.mix(work, theme.dark ? 0.2 : 0.09);
      pen.fillRect(from, 0, Math.max(to - from, 1), height);
      pen.fillStyle = theme.mix(work, 0.4);
      pen.fillRect(from, 0, 1, height);
      pen.fillRect(Math.max(to, from + 1) - 1, 0, 1, height);
    }
    for (const [start, end] of times.axis.gaps) {
      const [from, to] = [scale.x(start), scale.x(end)];
      if (to < 0 || from > scale.width) continue;
      pen.fillStyle = theme.mix(theme.ink, 0.05);
      pen.fillRect(from, 0, to - from, height);
    }
  };

  const paintAxis = () => {
    const pen = prepared(axis, scale.width, HEAD);
    const { theme } = view;
    const text = (words_, x, y, color, weight = "", align = "center") => { pen.font = `${weight} 11px ${theme.font}`; pen.fillStyle = color; pen.textAlign = align; pen.fillText(words_, x, y); };
    const wide = (words_) => { pen.font = `11px ${theme.font}`; return pen.measureText(words_).width; };
    paintGround(pen, 18);
    let right = -1e9;
    const tops = [];
    times.invocations.forEach(([start, end], at) => {
      const [from, to] = [Math.max(0, scale.x(start)), Math.min(scale.width, scale.x(end))];
      if (to < 0 || from > scale.width) return;
      const label = to - from > 80 ? `invocation ${at + 1}` : String(at + 1);
      tops.push([(from + to) / 2, wide(label) / 2 + 3, label, theme.looks.work.line, "bold"]);
    });
    for (const [start, end, label] of times.axis.gaps) {
      const [from, to] = [scale.x(start), scale.x(end)];
      if (to < 0 || from > scale.width) continue;
      const middle = (Math.max(0, from) + Math.min(scale.width, to)) / 2;
      const said = `${label}`;
      if (wide(said) < to - from) tops.push([middle, wide(said) / 2 + 2, said, theme.muted, ""]);
    }
    for (const [x, half, label, color, weight] of tops.sort((one, other) => (other[4] > one[4] ? 1 : -1) || one[0] - other[0])) {
      if (tops.some((other) => other.drawn && Math.abs(other[0] - x) < other[1] + half)) continue;
      tops.find((one) => one[0] === x && one[2] === label).drawn = true;
      text(label, x, 9, color, weight);
    }
    // Ticks: within each stretch that is not cut.
    pen.strokeStyle = theme.muted;
    pen.lineWidth = 1;
    pen.beginPath(); pen.moveTo(0, HEAD - 0.5); pen.lineTo(scale.width, HEAD - 0.5); pen.stroke();
    const edges = [Math.max(0, scale.knots[0]), ...times.axis.gaps.flatMap(([start, end]) => [start, end]), times.total];
    let dense = Infinity; // microseconds per pixel where nothing is cut
    for (let at = 0; at < edges.length; at += 2) { const pixels = scale.x(edges[at + 1]) - scale.x(edges[at]); if (pixels > 0) dense = Math.min(dense, (edges[at + 1] - edges[at]) / pixels); }
    const step = niceStep(((Number.isFinite(dense) && dense > 0 ? dense : 1) * 74) / 1e6);
    right = -1e9;
    for (let at = 0; at < edges.length; at += 2) {
      const from = Math.max(edges[at], scale.time(-60));
      const to = Math.min(edges[at + 1], scale.time(scale.width + 60));
      if (from > to) continue;
      const ticks = [];
      for (let tick = Math.ceil(from / 1e6 / step - 1e-9); tick * step * 1e6 <= to + step && ticks.length < 200; tick += 1) ticks.push(tick * step);
      if (!ticks.length && scale.x(from) >= 0) ticks.push(edges[at] / 1e6);
      for (const tick of ticks) {
        const x = scale.x(tick * 1e6);
        const label = clock(tick, step);
        const half = wide(label) / 2;
        const place = Math.max(half + 1, Math.min(scale.width - half - 1, x));
        if (x < -1 || x > scale.width + 1 || place - half < right) continue;
        right = place + half + 8;
        pen.beginPath(); pen.moveTo(x + 0.5, HEAD - 5); pen.lineTo(x + 0.5, HEAD); pen.stroke();
        text(label, place, HEAD - 13, theme.muted);
      }
    }
    // Break marks where the axis is cut.
    for (const [start, end] of times.axis.gaps) {
      const x = (scale.x(start) + scale.x(end)) / 2;
      if (x < 0 || x > scale.width) continue;
      pen.fillStyle = theme.paper;
      pen.fillRect(x - 3, HEAD - 3, 6, 3);
      pen.strokeStyle = theme.ink;
      pen.beginPath();
      for (const shift of [-2.5, 2.5]) { pen.moveTo(x + shift - 2, HEAD); pen.lineTo(x + shift + 2, HEAD - 7); }
      pen.stroke();
    }
  };

  const paintPlot = () => {
    const height = scroller.clientHeight;
    const pen = prepared(plot, scale.width, height);
    paintGround(pen, height);
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW));
    const last = Math.min(lines.length, Math.ceil((scroller.scrollTop + height) / ROW));
    for (let at = first; at < last; at += 1) paintLine(pen, at);
    for (const [time] of times.others) {
      const x = scale.x(time);
      pen.strokeStyle = view.theme.muted;
      pen.setLineDash([3, 3]);
      pen.beginPath(); pen.moveTo(x, 0); pen.lineTo(x, height); pen.stroke();
      pen.setLineDash([]);
    }
  };

  const paintHandle = () => {
    const time = handleTime();
    const x = scale.x(time);
    head.style.transform = `translateX(${x}px)`;
    head.hidden = x < -8 || x > scale.width + 8;
    veil.style.transform = `translateX(${Math.max(0, Math.min(scale.width, x))}px)`;
    veil.hidden = !view.live && now == null;
    handle.setAttribute("aria-valuemax", view.live ? view.at.total : Math.round(times.total / 1e3));
    handle.setAttribute("aria-valuenow", view.live ? view.index() : Math.round(time / 1e3));
    const row = view.live ? view.rowOfStop[view.index()] ?? -1 : -1;
    handle.setAttribute("aria-valuetext", `${clock(time / 1e6, 0.001)}${row >= 0 ? `, before ${view.nameOf(row)}` : view.live ? ", the end" : ""}`);
    handle.title = `${clock(time / 1e6, 0.001)}${row >= 0 ? `: before ${rows.position[row]} ${view.nameOf(row)}` : ""}\nDrag to travel in time; or the arrow keys`;
  };

  let axisPainted = "";
  const paint = () => {
    if (!view.theme || !scale.width) return;
    stamp += 1;
    paintNames();
    const key = `${scale.width} ${scale.zoom} ${scale.left} ${window.devicePixelRatio}`;
    if (key !== axisPainted) { axisPainted = key; paintAxis(); }
    paintPlot();
    paintHandle();
  };
  let frameWanted = false;
  const soon = () => { if (!frameWanted) { frameWanted = true; requestAnimationFrame(() => { frameWanted = false; if (!signal.aborted) paint(); }); } };
  view.painters.push(soon);
  view.paintNow = paint;

  const laidOut = () => {
    ({ lines, lineOf } = tree.shown());
    inner.style.height = `${lines.length * ROW}px`;
    soon();
  };
  let seen = false;
  const resized = () => {
    view.attached();
    // Out of sight (folded away, scrolled off a long notebook) a page forgets where it was scrolled to.
    const before = seen;
    seen = scroller.clientHeight > 0;
    if (seen && !before) view.reveal(view.chosen);
    scale.width = Math.max(40, scroller.clientWidth - corner.offsetWidth - 5);
    over.style.left = `${corner.offsetWidth + 5}px`;
    over.style.width = `${scale.width}px`;
    held.style.marginLeft = `${corner.offsetWidth + 5}px`;
    soon();
  };
  const watch = new ResizeObserver(resized);
  watch.observe(scroller);
  watch.observe(board);
  signal.addEventListener("abort", () => watch.disconnect());
  scroller.addEventListener("scroll", () => { paintNames(); paintPlot(); }, { passive: true });

  // ---- moving about

  view.reveal = (row) => {
    if (row < 0 || !lines.length) return;
    const top = lineOf[row] * ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + ROW - scroller.clientHeight;
    const start = times.start[row];
    if (start < 0 || scale.zoom === 1) return;
    const [from, to] = [scale.x(start), scale.x(times.end[row] >= 0 ? times.end[row] : start)];
    if (to < 0 || from > scale.width) scale.move(scale.place(start) - 0.3 / scale.zoom);
  };
  const lineHere = () => (view.chosen >= 0 ? lineOf[view.chosen] : 0);
  const moveTo = (at) => { const one = lines[Math.max(0, Math.min(lines.length - 1, at))]; if (one) view.choose(one.unfolded ? one.unfolded[0].rows[0] : one.rows[0]); };
  const twist = (one, open) => {
    if (!tree.holds(one)) return false;
    if (open === !tree.isFolded(one)) return false;
    if (!open) tree.fold(one); else if (one.name != null) tree.unfold(one); else one.open = true;
    laidOut();
    return true;
  };
  const parentLine = (at) => {
    const one = lines[at];
    if (twist(one, false)) return;
    for (let up = at - 1; up >= 0; up -= 1) if (lines[up].depth < one.depth) { if (lines[up].unfolded) twist(lines[up], false); else moveTo(up); return; }
  };
  const zoom = (factor, x) => { scale.zoomBy(factor, x); soon(); };
  const pan = (pixels) => { scale.move(scale.left + pixels / (scale.width * scale.zoom)); soon(); };
  const focusOn = (row) => { if (times.start[row] >= 0) { scale.show(times.start[row], times.end[row] >= 0 ? times.end[row] : times.total); soon(); } };

  /** Travel: the view goes along at once, the debugger as fast as it can. */
  let travelling = false;
  const travel = async (stop) => {
    wanted = Math.max(0, Math.min(view.at.total, stop));
    const row = view.rowOfStop[wanted] ?? -1;
    if (row >= 0) view.reveal(row);
    view.repaint();
    if (travelling) return;
    travelling = true;
    let asked = null;
    while (wanted != null && wanted !== asked && !signal.aborted) {
      asked = wanted;
      const before = view.at.serial;
      const answer = await view.tell("goto", { index: asked >= view.at.total ? -1 : asked });
      if (!answer.ok) break;
      await arrived(before);
    }
    travelling = false;
    if (!dragging) { wanted = null; soon(); }
  };
  let settle = null;
  const arrived = (before) => new Promise((resolve) => {
    if (view.at.serial !== before) { resolve(); return; }
    settle = resolve;
    setTimeout(resolve, 3000);
  });
  view.moved = () => { settle?.(); settle = null; };
  let dragging = false;
  const scrub = (x) => {
    const time = Math.max(0, Math.min(times.total, scale.time(x)));
    if (view.live) { if (view.at.status !== "closed") travel(stopAt(time)); return; }
    now = time;
    soon();
  };
  const settled = () => {
    dragging = false;
    if (view.live) { if (!travelling) { wanted = null; soon(); } return; }
    model.set("time", now == null ? null : now / 1e6);
    model.save_changes();
  };
  const onTime = () => { if (!view.live) { now = model.get("time") == null ? null : model.get("time") * 1e6; soon(); } };
  model.on("change:time", onTime);
  signal.addEventListener("abort", () => model.off("change:time", onTime));

  const scrubbing = (node) => node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    dragging = true;
    const left = axis.getBoundingClientRect().left;
    node.setPointerCapture(event.pointerId);
    const drag = (moved) => scrub(moved.clientX - left);
    if (node === axis) drag(event);
    node.addEventListener("pointermove", drag);
    node.addEventListener("lostpointercapture", () => { node.removeEventListener("pointermove", drag); settled(); }, { once: true });
    handle.focus({ preventScroll: true });
    event.preventDefault();
  });
  scrubbing(axis);
  scrubbing(handle);
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity }[event.key];
    if (!step || event.shiftKey) return;
    event.preventDefault();
    if (view.live) { if (view.at.status !== "closed") travel(Number.isFinite(step) ? view.index() + step : step < 0 ? 0 : view.at.total); return; }
    now = Math.max(0, Math.min(times.total, Number.isFinite(step) ? handleTime() + (step * times.total) / 100 : step < 0 ? 0 : times.total));
    settled();
    soon();
  });

  // ---- pointer

  const hit = (event) => {
    const box = plot.getBoundingClientRect();
    const x = event.clientX - box.left;
    const at = Math.floor((event.clientY - box.top + scroller.scrollTop) / ROW);
    const one = lines[at];
    if (!one) return { x, at: -1 };
    let best = null;
    for (const { each } of barsOf(one)) for (const bar_ of each) {
      const [from, to] = [scale.x(bar_.start), scale.x(bar_.end)];
      const away = Math.max(from - x, x - Math.max(to, from + 2), 0);
      if (away <= 3 && (!best || away <= best.away)) best = { bar: bar_, away };
    }
    return { x, at, one, bar: best?.bar };
  };
  const WHAT = (bar_) => (bar_.look === "work" || bar_.look === "failed" ? `attempt ${bar_.attempt || 1}${bar_.open ? ", no end recorded" : bar_.look === "failed" ? ", failed" : ", succeeded"}` : view.palette.activities[bar_.look][2] + (bar_.open ? ", not ended" : ""));
  const tell = (event) => {
    const { one, bar: bar_, x } = hit(event);
    plot.style.cursor = bar_ ? "pointer" : "default";
    if (!bar_) {
      const time = scale.time(x);
      const gap = times.axis.gaps.find(([start, end]) => time > start && time < end);
      const near = times.others.find(([at]) => Math.abs(scale.x(at) - x) < 4);
      const number = times.invocations.findIndex(([start, end]) => time >= start && time <= end);
      if (near) tip.show([near[1], `at ${clock(near[0] / 1e6, 0.001)}`], event.clientX, event.clientY);
      else if (!one) tip.hide();
      else tip.show([clock(time / 1e6, 0.001), gap ? `idle for ${gap[2]}: drawn shorter` : number >= 0 ? `invocation ${number + 1} runs` : "no invocation runs"], event.clientX, event.clientY);
      return;
    }
    const { row } = bar_;
    const number = times.invocations.findIndex(([start, end]) => bar_.start >= start && bar_.start <= end);
    tip.show([
      `${rows.position[row]}  ${view.nameOf(row)}`, `${view.kind(row)}: ${words(view.status(row))}`, WHAT(bar_),
      `from ${clock(bar_.start / 1e6, 0.001)} for ${duration((bar_.end - bar_.start) / 1e6)}`, number >= 0 ? `invocation ${number + 1}` : "",
      one.rows.length > 1 ? `one of ${one.rows.length.toLocaleString("en")}` : "", view.diverging.get(row) ? `≠ ${view.diverging.get(row)}` : "",
    ], event.clientX, event.clientY);
  };
  plot.addEventListener("pointermove", (event) => { if (!event.buttons) tell(event); });
  plot.addEventListener("pointerleave", tip.hide);
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    tip.hide();
    let last = event.clientX;
    let moved = 0;
    plot.setPointerCapture(event.pointerId);
    const drag = (now_) => { moved += Math.abs(now_.clientX - last); if (moved > 3) { pan(last - now_.clientX); plot.style.cursor = "grabbing"; } last = now_.clientX; };
    plot.addEventListener("pointermove", drag);
    plot.addEventListener("lostpointercapture", (up) => {
      plot.removeEventListener("pointermove", drag);
      plot.style.cursor = "";
      if (moved > 3) return;
      const { one, bar: bar_ } = hit(event);
      scroller.focus({ preventScroll: true });
      if (one) view.goto(bar_?.row ?? (one.unfolded ? view.chosen : one.rows[0]));
    }, { once: true });
  });
  plot.addEventListener("dblclick", (event) => { const { one, bar: bar_ } = hit(event); if (bar_) { scale.show(bar_.start, bar_.end); soon(); } else if (one) focusOn(one.rows[0]); });
  scroller.addEventListener("wheel", (event) => {
    const x = event.clientX - plot.getBoundingClientRect().left;
    if (x < 0) return;
    if (event.ctrlKey || event.metaKey) { event.preventDefault(); zoom(Math.exp(-event.deltaY / 240), x); }
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) { event.preventDefault(); pan(event.deltaX || event.deltaY); }
  }, { passive: false });
  inner.addEventListener("click", (event) => {
    const node = event.target.closest(".ddv-line");
    if (!node) return;
    const one = lines[Number(node.dataset.line)];
    scroller.focus({ preventScroll: true });
    const what = event.target.closest("[data-do]")?.dataset.do;
    if (what === "dot") view.toggle(one.rows[0], one.name);
    else if (what === "twist" && tree.holds(one)) twist(one, tree.isFolded(one));
    else if (!one.unfolded) view.goto(one.rows.includes(view.chosen) ? view.chosen : one.rows[0]);
  });

  // ---- keys

  const inTree = (act) => (event) => { if (event.target === handle) return; act(event); };
  const keys = {
    ArrowDown: inTree(() => moveTo(lineHere() + 1)),
    ArrowUp: inTree(() => moveTo(lineHere() - 1)),
    PageDown: inTree(() => moveTo(lineHere() + Math.floor(scroller.clientHeight / ROW))),
    PageUp: inTree(() => moveTo(lineHere() - Math.floor(scroller.clientHeight / ROW))),
    Home: inTree(() => moveTo(0)),
    End: inTree(() => moveTo(lines.length - 1)),
    ArrowRight: inTree(() => { if (!twist(lines[lineHere()], true)) moveTo(lineHere() + 1); }),
    ArrowLeft: inTree(() => parentLine(lineHere())),
    "Shift+ArrowLeft": () => pan(-scale.width / 6),
    "Shift+ArrowRight": () => pan(scale.width / 6),
    Enter: inTree(() => { if (view.chosen >= 0) view.goto(view.chosen); }),
    " ": inTree(() => { if (view.chosen >= 0) view.goto(view.chosen); }),
    b: () => { if (view.chosen >= 0) { const one = lines[lineHere()]; view.toggle(view.chosen, one.name); } },
    "+": () => zoom(1.5),
    "=": () => zoom(1.5),
    "-": () => zoom(1 / 1.5),
    0: () => { scale.fit(); soon(); },
    z: () => { if (view.chosen >= 0) focusOn(view.chosen); },
    "[": () => { if (view.live) travel(view.index() - 1); },
    "]": () => { if (view.live) travel(view.index() + 1); },
    Escape: () => { if (view.chosen >= 0) view.choose(-1); },
  };
  view.focus = () => scroller.focus({ preventScroll: true });
  view.recoloured = () => {
    axisPainted = "";
    const present = new Set(bars.look.map((look) => looks[look]));
    legend.replaceChildren(...[...Object.keys(view.palette.activities), "failed"].filter((look) => present.has(look)).map((look) => {
      const swatch = make("canvas", { "aria-hidden": "true" });
      const pen = prepared(swatch, 26, 14);
      bar(pen, look, 1, 25, 7, view.theme.looks[look]);
      if (look === "failed") cross(pen, 20, 7, view.theme.ink);
      return make("span", {}, swatch, view.theme.looks[look].word);
    }), times.axis.gaps.length ? make("span", { class: "ddv-muted" }, "// idle time, cut short") : "", make("span", { class: "ddv-muted" }, times.origin ? `from ${times.origin}` : ""));
  };

  const setAll = (open) => {
    const walk = (one) => { if (!open) tree.fold(one); else if (one.name == null) one.open = true; else one.unfolded = null; one.inside.forEach(walk); };
    tree.top.forEach(walk);
    laidOut();
  };
  let collapsed = false;
  frame(view, {
    tools: [
      button("folded", "Fold or unfold all contexts", () => { collapsed = !collapsed; setAll(!collapsed); }),
      make("span", { class: "ddv-group" }, button("out", "Zoom out (−)", () => zoom(1 / 1.5)), button("in", "Zoom in (+)", () => zoom(1.5)), button("fit", "Show all (0)", keys[0])),
    ],
    body: [board, foot, legend, tip.node],
    keys,
    help: [
      ["↑ ↓", "move"], ["← →", "fold, unfold"], ["Enter", view.live ? "go there" : "select"], ...(view.live ? [["b", "breakpoint"], ["[ ]", "travel one stop"], ["n i o c", "step over, in, out, run"]] : []),
      ["+ − 0", "zoom"], ["z", "zoom to it"], ["⇧← ⇧→", "pan"], ["/", "find"], ["Ctrl wheel", "zoom"], ["drag", "pan; along the top: travel in time"],
    ],
  });
  laidOut();
  return { laidOut, resized };
}

export default {
  render({ model, el }) {
    const ending = new AbortController();
    const view = createView(model, ending.signal, "Timeline");
    const { resized } = timeline(view);
    view.start(el);
    resized();
    return () => { ending.abort(); view.stop(); };
  },
};
