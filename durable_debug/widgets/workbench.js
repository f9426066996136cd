/*
 * A frame for a debugger's panel, timeline and graph: shows their widgets, resizes them and folds them away.
 * One plain module: no build step, no network, no imports.
 */

const PARTS = [["timeline", "Timeline"], ["graph", "Graph"], ["panel", "Code"]];

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** A bar that sets a size, by pointer and by arrow keys. */
function splitter({ label, vertical, size, set }) {
  const node = make("div", {
    class: `ddw-splitter ddw-${vertical ? "vertical" : "horizontal"}`, role: "separator", tabindex: 0, title: `${label}: drag, or arrow keys`,
    "aria-label": label, "aria-orientation": vertical ? "vertical" : "horizontal",
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
  const to = (value) => { set(value); node.setAttribute("aria-valuenow", Math.round(size())); };
  return node;
}

export default {
  async render({ model, el }) {
    const places = Object.fromEntries(PARTS.map(([name, word]) => [name, make("div", { class: `ddw-part ddw-${name}`, role: "group", "aria-label": word })]));
    const toggles = Object.fromEntries(PARTS.map(([name, word], at) => [name, make("button", {
      type: "button", class: "ddw-toggle", title: `Show or fold away: ${word} (Alt+${at + 1})`, "aria-keyshortcuts": `Alt+${at + 1}`,
      click: () => flip(name),
    }, word)]));
    const flip = (name) => {
      const hidden = new Set(model.get("hidden"));
      if (!hidden.delete(name)) hidden.add(name);
      model.set("hidden", [...hidden]);
      model.save_changes();
    };
    const between = splitter({
      label: "Width of the timeline", vertical: true, size: () => places.timeline.offsetWidth,
      set: (value) => views.style.setProperty("--ddw-timeline", `${Math.max(240, Math.min(views.clientWidth - 200, value))}px`),
    });
    const views = make("div", { class: "ddw-views" }, places.timeline, between, places.graph);
    const height = () => Number.parseInt(getComputedStyle(root).getPropertyValue("--ddv-body"), 10);
    const below = splitter({
      label: "Height of timeline and graph", vertical: false, size: height,
      set: (value) => root.style.setProperty("--ddv-body", `${Math.max(66, Math.min(1600, value))}px`),
    });
    const bar = make("div", { class: "ddw-bar", role: "toolbar", "aria-label": "Parts of the debugger" }, make("strong", {}), ...Object.values(toggles));
    const root = make("div", { class: "ddw", role: "region", "aria-label": "Debugger with timeline and graph", "data-lm-suppress-shortcuts": "true" }, bar, views, below, places.panel);
    bar.firstChild.textContent = String(model.get("title"));

    const arrange = () => {
      const hidden = new Set(model.get("hidden"));
      for (const [name] of PARTS) {
        places[name].hidden = hidden.has(name);
        toggles[name].setAttribute("aria-pressed", String(!hidden.has(name)));
      }
      between.hidden = hidden.has("timeline") || hidden.has("graph");
      views.hidden = hidden.has("timeline") && hidden.has("graph");
      below.hidden = views.hidden;
      views.dataset.alone = String(between.hidden);
    };
    root.addEventListener("keydown", (event) => {
      const part = event.altKey && !event.ctrlKey && !event.metaKey ? PARTS[["Digit1", "Digit2", "Digit3"].indexOf(event.code)] : null;
      if (!part) return;
      event.preventDefault();
      event.stopPropagation();
      flip(part[0]);
      toggles[part[0]].focus();
    }, true);
    root.addEventListener("keydown", (event) => event.stopPropagation()); // the notebook has its own use for these keys
    arrange();
    model.on("change:hidden", arrange);
    el.append(root);

    let gone = false;
    const shown = [];
    const parts = model.get("parts");
    await Promise.all(PARTS.map(async ([name], at) => {
      const view = await model.widget_manager.create_view(await model.widget_manager.get_model(parts[at].slice("IPY_MODEL_".length)));
      if (gone) { view.remove(); return; }
      shown.push(view);
      places[name].append(view.el);
      view.trigger?.("displayed");
    }));
    return () => {
      gone = true;
      model.off("change:hidden", arrange);
      for (const view of shown) view.remove();
    };
  },
};
