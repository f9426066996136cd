
// ---- the drawing ------------------------------------------------------------------------------------------------------

const NATURAL = 4 / 3; // pixels to a point
const DASHES = { repeat: [4, 2], callback: [1.2, 2.2], invoke: [1.2, 2.2], parent: [1.2, 2.2] };

/** The outline tells the kind: steps rounded, waits pills, callbacks with cut corners, invokes arrows, contexts square. */
function outline(pen, { x, y, w, h, kind, type }, shift = 0) {
  const [left, right, top, low] = [x - w / 2 + shift, x + w / 2 + shift, y - h / 2 + shift, y + h / 2 + shift];
  const points = (...each) => { each.forEach(([px, py], at) => (at ? pen.lineTo(px, py) : pen.moveTo(px, py))); pen.closePath(); };
  const cut = 7;
  pen.beginPath();
  if (type === "CALLBACK") points([left + cut, top], [right - cut, top], [right, top + cut], [right, low - cut], [right - cut, low], [left + cut, low], [left, low - cut], [left, top + cut]);
  else if (type === "CHAINED_INVOKE") points([left, top], [right - cut, top], [right, y + shift], [right - cut, low], [left, low]);
  else if (type === "CONTEXT") pen.rect(left, top, w, h);
  else pen.roundRect(left, top, w, h, type === "STEP" ? 4 : kind === "operation" ? h / 2 : h / 2);
}

function graph(view) {
  const { model, rows, signal } = view;
  let scene = model.get("scene");
  let nodeOf = new Map();
  let cursor = -1; // node that the keyboard is at
  let held = null; // node under the pointer
  const camera = { x: 0, y: 0, k: NATURAL, width: 1, height: 1 };

  const canvas = make("canvas", { class: "ddv-canvas", "aria-hidden": "true" });
  const current = make("div", { class: "ddv-spoken", role: "option", "aria-selected": "true", id: `ddv-${Math.random().toString(36).slice(2)}` });
  const lost = make("div", { class: "ddv-lost", role: "note", hidden: true });
  const area = make("div", { class: "ddv-area", role: "listbox", tabindex: 0, "aria-label": "Operations as a graph: arrow keys move along it" }, canvas, current, lost);
  const tip = tooltip(view);
  const foot = splitter({ label: "Height of the graph", vertical: false, size: () => area.offsetHeight, set: (value) => { area.style.height = `${Math.max(120, Math.min(2000, value))}px`; } });

  const read = () => {
    scene = model.get("scene");
    nodeOf = new Map();
    scene.nodes.forEach((node, at) => { for (const row of node.rows) nodeOf.set(row, at); });
    refold.hidden = !scene.unfolded;
    cursor = view.chosen >= 0 ? nodeOf.get(view.chosen) ?? -1 : -1;
  };
  const stateOf = (node) => {
    if (node.kind === "start") return "reached";
    if (node.kind === "end") return !view.live ? "reached" : view.at.kind === "operation" ? "ahead" : "current";
    const found = new Set((node.beside >= 0 ? [node.beside] : node.rows).map((row) => view.when(row)));
    if (node.beside >= 0) return found.has("ahead") || found.has("later") ? "ahead" : "reached";
    return ["current", "inside"].find((each) => found.has(each)) ?? (found.size === 1 ? [...found][0] : !found.size || found.has("reached") ? "reached" : "ahead");
  };

  // ---- painting

  const clampCamera = () => {
    const spare = 60 / camera.k;
    const bound = (at, size, whole) => (size >= whole + 2 * spare ? whole / 2 - size / 2 : Math.max(-spare, Math.min(whole + spare - size, at)));
    camera.x = bound(camera.x, camera.width / camera.k, scene.width);
    camera.y = bound(camera.y, camera.height / camera.k, scene.height);
  };
  const seen = (x, y, w, h) => x + w / 2 > camera.x && x - w / 2 < camera.x + camera.width / camera.k && y + h / 2 > camera.y && y - h / 2 < camera.y + camera.height / camera.k;

  const paintEdge = (pen, edge) => {
    const { points } = edge;
    const { theme } = view;
    const faded = view.live && ["ahead", "later"].includes(stateOf(scene.nodes[edge.to]));
    pen.globalAlpha = faded ? 0.4 : 1;
    pen.strokeStyle = pen.fillStyle = theme.mix(theme.ink, 0.6);
    pen.lineWidth = 1;
    pen.setLineDash(DASHES[edge.kind] ?? []);
    pen.beginPath();
    pen.moveTo(points[0], points[1]);
    for (let at = 2; at + 5 < points.length; at += 6) pen.bezierCurveTo(...points.slice(at, at + 6));
    pen.stroke();
    pen.setLineDash([]);
    const [x1, y1] = points.slice(-2);
    let [x0, y0] = [x1, y1 - 1];
    for (let at = points.length - 4; at >= 0; at -= 2) if (points[at] !== x1 || points[at + 1] !== y1) { [x0, y0] = [points[at], points[at + 1]]; break; }
    const length = Math.hypot(x1 - x0, y1 - y0);
    const [dx, dy] = [(x1 - x0) / length, (y1 - y0) / length];
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x1 - 6.5 * dx - 2.6 * dy, y1 - 6.5 * dy + 2.6 * dx);
    pen.lineTo(x1 - 6.5 * dx + 2.6 * dy, y1 - 6.5 * dy - 2.6 * dx);
    pen.fill();
    if (edge.kind === "repeat" && camera.k > 0.5) {
      const at = 6 * Math.floor((points.length - 2) / 12);
      const [ax, ay, bx, by, cx, cy, ex, ey] = points.slice(at, at + 8);
      const text = `×${edge.times.toLocaleString("en")}`;
      pen.font = `8px ${theme.font}`;
      pen.textAlign = "center";
      const [x, y] = [(ax + 3 * bx + 3 * cx + ex) / 8, (ay + 3 * by + 3 * cy + ey) / 8];
      pen.fillStyle = theme.paper;
      pen.fillRect(x - pen.measureText(text).width / 2 - 2, y - 5, pen.measureText(text).width + 4, 10);
      pen.fillStyle = theme.muted;
      pen.fillText(text, x, y);
    }
    pen.globalAlpha = 1;
  };

  const paintNode = (pen, node, at) => {
    const { theme } = view;
    const state = stateOf(node);
    const look = node.look ? theme.looks[node.look] : null;
    const dim = view.matches && !node.rows.some((row) => view.matches.has(row));
    pen.globalAlpha = dim ? 0.25 : state === "ahead" || state === "later" ? 0.5 : 1;
    const color = node.wrong ? theme.failure : look?.line ?? theme.mix(theme.ink, 0.6);
    const fill = look ? look.tint : theme.paper;
    // Nothing shines through a faded box.
    if (pen.globalAlpha < 1) { const alpha = pen.globalAlpha; pen.globalAlpha = 1; pen.fillStyle = theme.paper; outline(pen, node); pen.fill(); pen.globalAlpha = alpha; }
    pen.strokeStyle = look?.line ?? color;
    pen.lineWidth = 0.7;
    for (const shift of node.pattern != null ? [4, 2] : []) { pen.fillStyle = theme.paper; outline(pen, node, shift); pen.fill(); pen.fillStyle = fill; pen.fill(); pen.stroke(); }
    if (state === "current" || state === "inside") {
      pen.strokeStyle = theme.edge;
      pen.lineWidth = state === "current" ? 7 : 3.5;
      pen.setLineDash(state === "current" ? [] : [5, 3]);
      outline(pen, node);
      pen.stroke();
      pen.setLineDash([]);
    }
    outline(pen, node);
    pen.fillStyle = fill;
    pen.fill();
    pen.strokeStyle = color;
    pen.lineWidth = node.wrong ? 2 : 1.1;
    pen.setLineDash(node.open ? [4, 2.5] : []);
    pen.stroke();
    pen.setLineDash([]);
    const chosen = view.chosen >= 0 && node.rows.includes(view.chosen);
    if ((chosen && state !== "current") || at === held) {
      pen.strokeStyle = theme.accent;
      pen.lineWidth = chosen ? 2 : 1;
      pen.strokeRect(node.x - node.w / 2 - 4, node.y - node.h / 2 - 4, node.w + 8, node.h + 8);
    }
    if (camera.k < 0.32) { pen.globalAlpha = 1; return; }
    const detailed = node.detail && camera.k > 0.5;
    const line = node.y - (detailed ? 6.5 : 0);
    pen.textAlign = "center";
    pen.fillStyle = node.wrong ? theme.bad : theme.ink;
    pen.font = `${state === "current" ? "600 " : ""}9.2px ${theme.font}`;
    const name = plain(node.name);
    pen.fillText(`${node.mark ? `${node.mark} ` : ""}${isolated(name)}`, node.x, line, node.w - 10);
    if (detailed) { pen.fillStyle = theme.muted; pen.font = `7.8px ${theme.font}`; pen.fillText(plain(node.detail), node.x, node.y + 8, node.w - 10); }
    pen.globalAlpha = 1;
    const tag = (text, x, y, color_, ground) => {
      pen.font = `bold 8px ${theme.font}`;
      const wide = pen.measureText(text).width + 7;
      pen.beginPath();
      pen.roundRect(x - wide / 2, y - 6, wide, 12, 6);
      pen.fillStyle = ground;
      pen.fill();
      pen.fillStyle = color_;
      pen.fillText(text, x, y + 0.5);
    };
    const marked = node.rows.filter((row) => view.marks.has(row));
    if (marked.length) {
      pen.beginPath();
      pen.arc(node.x - node.w / 2, node.y - node.h / 2, 4.2, 0, 7);
      pen.fillStyle = marked.some((row) => view.marks.get(row)) ? theme.bad : theme.paper;
      pen.fill();
      pen.strokeStyle = theme.bad;
      pen.lineWidth = 1.2;
      pen.stroke();
    }
    if (node.rows.some((row) => view.diverging.has(row))) tag("≠ diverges", node.x + node.w / 2 - 8, node.y - node.h / 2, theme.paper, theme.bad);
    else if (state === "unasked") tag("not asked for", node.x + node.w / 2 - 8, node.y - node.h / 2, theme.paper, theme.bad);
    if (state === "current") tag("▶", node.x - node.w / 2 - 1, node.y, theme.dark ? "#10151a" : "#ffffff", theme.edge);
  };

  const overview = { x: 0, y: 0, w: 0, h: 0, k: 0 };
  const paintOverview = (pen) => {
    const whole = camera.width / camera.k >= scene.width && camera.height / camera.k >= scene.height;
    overview.k = 0;
    if (whole || camera.width < 260) return;
    const { theme } = view;
    const k = Math.min(Math.min(130, camera.width * 0.2) / scene.width, Math.min(110, camera.height * 0.4) / scene.height);
    const [w, h] = [Math.max(16, scene.width * k) + 8, Math.max(10, scene.height * k) + 8];
    Object.assign(overview, { x: camera.width - w - 8, y: camera.height - h - 8, w, h, k });
    pen.globalAlpha = 0.94;
    pen.fillStyle = theme.paper;
    pen.fillRect(overview.x, overview.y, w, h);
    pen.globalAlpha = 1;
    pen.strokeStyle = theme.line;
    pen.lineWidth = 1;
    pen.strokeRect(overview.x + 0.5, overview.y + 0.5, w - 1, h - 1);
    pen.save();
    pen.beginPath(); pen.rect(overview.x, overview.y, w, h); pen.clip();
    for (const node of scene.nodes) {
      const state = stateOf(node);
      pen.fillStyle = state === "current" ? theme.edge : node.wrong ? theme.failure : node.look ? theme.looks[node.look].line : theme.muted;
      pen.globalAlpha = state === "ahead" || state === "later" ? 0.4 : 0.9;
      const size = state === "current" ? 3 : 0;
      pen.fillRect(overview.x + 4 + (node.x - node.w / 2) * k - size / 2, overview.y + 4 + (node.y - node.h / 2) * k - size / 2, Math.max(1.5, node.w * k) + size, Math.max(1.5, node.h * k) + size);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = theme.accent;
    pen.lineWidth = 1.5;
    pen.strokeRect(overview.x + 4 + camera.x * k, overview.y + 4 + camera.y * k, (camera.width / camera.k) * k, (camera.height / camera.k) * k);
    pen.restore();
  };

  const paint = () => {
    if (!view.theme || camera.width < 2) return;
    // What only the handler asks for has no box: a graph is of the history.
    const away = view.live && view.at.row >= 0 && !nodeOf.has(view.at.row);
    lost.hidden = !away;
    if (away) lost.textContent = `▶ Stopped at ${rows.position[view.at.row]} ${isolated(view.nameOf(view.at.row))}: asked for, not in the history`;
    const pen = prepared(canvas, camera.width, camera.height);
    pen.save();
    pen.scale(camera.k, camera.k);
    pen.translate(-camera.x, -camera.y);
    for (const [left, top, width, height, depth] of scene.grounds) {
      if (!seen(left + width / 2, top + height / 2, width, height)) continue;
      pen.beginPath();
      pen.roundRect(left, top, width, height, 5);
      pen.fillStyle = view.theme.mix(view.theme.ink, 0.04 + 0.025 * Math.min(depth, 4));
      pen.fill();
      pen.strokeStyle = view.theme.mix(view.theme.ink, 0.22);
      pen.lineWidth = 0.7;
      pen.stroke();
    }
    for (const edge of scene.edges) {
      const xs = [Infinity, -Infinity, Infinity, -Infinity];
      for (let at = 0; at < edge.points.length; at += 2) { xs[0] = Math.min(xs[0], edge.points[at]); xs[1] = Math.max(xs[1], edge.points[at]); xs[2] = Math.min(xs[2], edge.points[at + 1]); xs[3] = Math.max(xs[3], edge.points[at + 1]); }
      if (seen((xs[0] + xs[1]) / 2, (xs[2] + xs[3]) / 2, xs[1] - xs[0] + 10, xs[3] - xs[2] + 10)) paintEdge(pen, edge);
    }
    scene.nodes.forEach((node, at) => { if (seen(node.x, node.y, node.w + 30, node.h + 30)) paintNode(pen, node, at); });
    pen.restore();
    paintOverview(pen);
    canvas.dataset.camera = `${camera.x.toFixed(2)} ${camera.y.toFixed(2)} ${camera.k.toFixed(4)}`;
  };
  let frameWanted = false;
  const soon = () => { if (!frameWanted) { frameWanted = true; requestAnimationFrame(() => { frameWanted = false; if (!signal.aborted) paint(); }); } };
  view.painters.push(soon);
  view.paintNow = paint;

  // ---- moving about

  let gliding = 0;
  let begun = false;
  const glide = (x, y) => {
    if (!begun) return;
    cancelAnimationFrame(gliding);
    const from = [camera.x, camera.y];
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const begin = performance.now();
    const go = (time) => {
      const share = still ? 1 : Math.min(1, Math.max(0, time - begin) / 160);
      const eased = 1 - (1 - share) ** 3;
      camera.x = from[0] + (x - from[0]) * eased;
      camera.y = from[1] + (y - from[1]) * eased;
      clampCamera();
      paint();
      if (share < 1 && !signal.aborted) gliding = requestAnimationFrame(go);
    };
    gliding = requestAnimationFrame(go);
  };
  const show = (node, middle = false) => {
    const [w, h] = [camera.width / camera.k, camera.height / camera.k];
    const margin = Math.min(24, w / 8, h / 8);
    const inside = node.x - node.w / 2 - margin > camera.x && node.x + node.w / 2 + margin < camera.x + w && node.y - node.h / 2 - margin > camera.y && node.y + node.h / 2 + margin < camera.y + h;
    if (!inside || middle) glide(node.x - w / 2, node.y - h / 2);
  };
  view.reveal = (row) => {
    const at = nodeOf.get(row);
    if (at == null) { cursor = -1; return; }
    cursor = at;
    show(scene.nodes[at]);
    speak();
  };
  const zoom = (factor, x = camera.width / 2, y = camera.height / 2) => {
    const least = Math.min(0.25, camera.width / (scene.width + 120), camera.height / (scene.height + 120));
    const k = Math.max(least, Math.min(5, camera.k * factor));
    camera.x += x / camera.k - x / k;
    camera.y += y / camera.k - y / k;
    camera.k = k;
    clampCamera();
    soon();
  };
  const pan = (dx, dy) => { camera.x += dx / camera.k; camera.y += dy / camera.k; clampCamera(); soon(); };
  const fit = () => {
    camera.k = Math.min(NATURAL * 1.2, (camera.width - 24) / scene.width, (camera.height - 24) / scene.height);
    camera.x = scene.width / 2 - camera.width / camera.k / 2;
    camera.y = scene.height / 2 - camera.height / camera.k / 2;
    clampCamera();
    soon();
  };
  /** At first: all of it where that can be read, else its beginning or where the debugger stands. */
  const begin = () => {
    cancelAnimationFrame(gliding);
    fit();
    if (camera.k >= 0.8) return;
    camera.k = scene.direction === "TB" ? Math.max(0.8, Math.min(NATURAL, (camera.width - 24) / scene.width)) : NATURAL;
    const node = scene.nodes[nodeOf.get(view.chosen >= 0 ? view.chosen : view.at.row) ?? 0];
    camera.x = node.x - camera.width / camera.k / 2;
    camera.y = node.y - (node === scene.nodes[0] ? 30 : camera.height / camera.k / 2);
    clampCamera();
  };

  const describe = (node) => (node.rows.length === 1 ? view.describe(node.rows[0]) : [plain(node.name), plain(node.detail), node.rows.length ? view.said[stateOf(node)] : "", node.pattern != null ? "folded" : ""].filter(Boolean).join(", "));
  const speak = () => {
    const node = scene.nodes[cursor];
    if (!node) { area.removeAttribute("aria-activedescendant"); return; }
    current.setAttribute("aria-label", describe(node));
    current.setAttribute("aria-posinset", cursor + 1);
    current.setAttribute("aria-setsize", scene.nodes.length);
    area.setAttribute("aria-activedescendant", current.id);
  };
  const moveTo = (at) => {
    cursor = at;
    const node = scene.nodes[at];
    if (node.rows.length) { if (!node.rows.includes(view.chosen)) view.choose(node.rows[0]); } else view.choose(-1);
    cursor = at;
    held = node.rows.length ? null : at;
    show(node);
    speak();
    soon();
  };
  /** The nearest box in a direction. */
  const move = (dx, dy) => {
    if (cursor < 0) { moveTo(Math.min(1, scene.nodes.length - 1)); return; }
    const from = scene.nodes[cursor];
    let best = null;
    scene.nodes.forEach((node, at) => {
      const [x, y] = [node.x - from.x, node.y - from.y];
      const along = x * dx + y * dy;
      if (at === cursor || along < 4) return;
      const cost = along + 2.2 * Math.max(0, Math.abs(x * dy + y * dx) - 4);
      if (!best || cost < best.cost) best = { at, cost };
    });
    if (best) moveTo(best.at);
  };
  const act = (node) => {
    if (node.kind === "end" && view.live) { view.tell("goto", { index: -1 }); return; }
    if (node.rows.length) view.goto(node.rows.includes(view.chosen) ? view.chosen : node.rows[0]);
  };
  const unfold = (node) => { if (node?.pattern != null) view.tell("unfold", { rows: node.rows }); };

  // ---- pointer

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / camera.k + camera.x, (event.clientY - box.top) / camera.k + camera.y];
    return scene.nodes.findIndex((node) => Math.abs(node.x - x) <= node.w / 2 + 2 && Math.abs(node.y - y) <= node.h / 2 + 2);
  };
  const overOverview = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - overview.x, event.clientY - box.top - overview.y];
    return overview.k && x >= 0 && y >= 0 && x <= overview.w && y <= overview.h ? [(x - 4) / overview.k, (y - 4) / overview.k] : null;
  };
  const hover = (event) => {
    const found = overOverview(event) ? -1 : at(event);
    canvas.style.cursor = found >= 0 && scene.nodes[found].kind !== "outside" ? "pointer" : "grab";
    if (found !== held) { held = found; soon(); }
    const node = scene.nodes[found];
    if (!node) { tip.hide(); return; }
    const row = node.rows.length === 1 ? node.rows[0] : -1;
    tip.show([
      `${row >= 0 ? `${rows.position[row]}  ` : ""}${row >= 0 ? view.nameOf(row) : node.name}`, node.detail, node.rows.length ? view.said[stateOf(node)] : "",
      ...node.rows.filter((each) => view.diverging.has(each)).slice(0, 3).map((each) => `≠ ${view.diverging.get(each)}`),
      node.pattern != null ? "double-click or u: unfold" : "",
    ], event.clientX, event.clientY);
  };
  canvas.addEventListener("pointermove", (event) => { if (!event.buttons) hover(event); });
  canvas.addEventListener("pointerleave", () => { tip.hide(); if (held != null) { held = null; soon(); } });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    tip.hide();
    let last = [event.clientX, event.clientY];
    let moved = 0;
    const inOverview = overOverview(event);
    const centre = ([x, y]) => { camera.x = x - camera.width / camera.k / 2; camera.y = y - camera.height / camera.k / 2; clampCamera(); soon(); };
    if (inOverview) centre(inOverview);
    canvas.setPointerCapture(event.pointerId);
    const drag = (now) => {
      const [dx, dy] = [now.clientX - last[0], now.clientY - last[1]];
      last = [now.clientX, now.clientY];
      moved += Math.abs(dx) + Math.abs(dy);
      if (inOverview) { centre(overOverview(now) ?? inOverview); return; }
      if (moved > 3) { pan(-dx, -dy); canvas.style.cursor = "grabbing"; }
    };
    canvas.addEventListener("pointermove", drag);
    canvas.addEventListener("lostpointercapture", () => {
      canvas.removeEventListener("pointermove", drag);
      canvas.style.cursor = "";
      area.focus({ preventScroll: true });
      if (moved > 3 || inOverview) return;
      const found = at(event);
      if (found >= 0) { cursor = found; act(scene.nodes[found]); speak(); }
    }, { once: true });
  });
  canvas.addEventListener("dblclick", (event) => unfold(scene.nodes[at(event)]));
  canvas.addEventListener("wheel", (event) => {
    const box = canvas.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) { event.preventDefault(); zoom(Math.exp(-event.deltaY / 240), event.clientX - box.left, event.clientY - box.top); }
    else if (view.root.contains(document.activeElement)) { // a page that is scrolled past does not stick here
      const before = [camera.x, camera.y];
      pan(event.shiftKey ? event.deltaY : event.deltaX, event.shiftKey ? 0 : event.deltaY);
      if (before[0] !== camera.x || before[1] !== camera.y) event.preventDefault();
    }
  }, { passive: false });

  const keys = {
    ArrowDown: () => move(0, 1), ArrowUp: () => move(0, -1), ArrowRight: () => move(1, 0), ArrowLeft: () => move(-1, 0),
    Home: () => moveTo(0), End: () => moveTo(scene.nodes.findIndex((node) => node.kind === "end")),
    Enter: () => { if (cursor >= 0) act(scene.nodes[cursor]); }, " ": () => { if (cursor >= 0) act(scene.nodes[cursor]); },
    b: () => { const node = scene.nodes[cursor]; if (node?.rows.length) view.toggle(node.rows.includes(view.chosen) ? view.chosen : node.rows[0], node.pattern || null); },
    u: () => unfold(scene.nodes[cursor]), "Shift+U": () => view.tell("fold"),
    "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: fit,
    z: () => { if (cursor >= 0) { camera.k = NATURAL * 1.4; show(scene.nodes[cursor], true); } },
    "Shift+ArrowLeft": () => pan(-80, 0), "Shift+ArrowRight": () => pan(80, 0), "Shift+ArrowUp": () => pan(0, -80), "Shift+ArrowDown": () => pan(0, 80),
    Escape: () => { if (view.chosen >= 0) view.choose(-1); },
  };
  const refold = button("folded", "Fold again what was unfolded (Shift+U)", () => view.tell("fold"), "Fold");
  view.focus = () => area.focus({ preventScroll: true });
  frame(view, {
    tools: [
      refold, button("turn", "Top to bottom, or left to right", () => view.tell("turn")),
      make("span", { class: "ddv-group" }, button("out", "Zoom out (−)", () => zoom(1 / 1.3)), button("in", "Zoom in (+)", () => zoom(1.3)), button("fit", "Show all (0)", fit)),
    ],
    body: [area, foot, tip.node],
    keys,
    help: [
      ["↑ ↓ ← →", "move"], ["Enter", view.live ? "go there" : "select"], ["u ⇧U", "unfold, fold"], ...(view.live ? [["b", "breakpoint"], ["n i o c", "step over, in, out, run"]] : []),
      ["+ − 0", "zoom"], ["z", "zoom to it"], ["⇧ arrows", "pan"], ["/", "find"], ["Ctrl wheel", "zoom"], ["drag", "pan"],
    ],
  });
  read();
  model.on("change:scene", onScene);
  signal.addEventListener("abort", () => model.off("change:scene", onScene));
  function onScene() { read(); begin(); soon(); }
  const resized = () => {
    view.attached();
    camera.width = Math.max(40, area.clientWidth);
    camera.height = Math.max(40, area.clientHeight);
    if (!begun && area.clientWidth) { begun = true; begin(); } else clampCamera();
    soon();
  };
  const watch = new ResizeObserver(resized);
  watch.observe(area);
  signal.addEventListener("abort", () => { watch.disconnect(); cancelAnimationFrame(gliding); });
  return { resized };
}

export default {
  render({ model, el }) {
    const ending = new AbortController();
    const view = createView(model, ending.signal, "Graph");
    const { resized } = graph(view);
    view.start(el);
    resized();
    return () => { ending.abort(); view.stop(); };
  },
};
