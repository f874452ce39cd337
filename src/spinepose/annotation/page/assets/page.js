// The page: keys, pointer and buttons, the way through the queue, and what stands around.

import { Labels } from "./labels.js";
import { Panel, element, showStatus, toast } from "./panel.js";
import { distance } from "./spine.js";
import { Store } from "./store.js";
import { View } from "./view.js";

const LONGEST_PAUSE_S = 30; // who does nothing for longer is elsewhere
const CLICK_PX = 3;
const LIGHTS = 3;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const REPEATED = [...Object.keys(ARROWS), "Tab", "z", "y", "+", "-"];

const drawing = element("drawing");
const store = new Store(showStatus, onSaved);
const ui = { selected: 0, handle: 0, hovered: -1, dragging: false, bare: false, light: 0 };
let overview, view, panel;
let labels = null, item = null, task = 0, turn = 0, drag = null;

// --- the way through the queue ------------------------------------------------------------------

async function go(number, confirmed = false) {
  leave(confirmed);
  const mine = ++turn;
  task = Math.max(0, Math.min(number, overview.tasks.length - 1));
  const { item: id, reason } = overview.tasks[task];
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  try {
    const [found, picture] = await Promise.all([store.item(id), load(id)]);
    if (mine === turn) open(found, picture, reason);
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

/** Save what was changed, or everything if it was confirmed. */
function leave(confirmed = false) {
  if (labels && (confirmed || labels.unsaved)) save();
  labels = null;
  drag = null;
  drawing.dataset.item = "";
}

function save() {
  clock.touch();
  store.save(item.item, labels.said(clock.seconds, item.revision));
  labels.unsaved = false;
}

function open(found, picture, reason) {
  const [width, height] = found.size;
  if (picture.naturalWidth !== width || picture.naturalHeight !== height) {
    fail(new Error(`The picture is not ${width} x ${height} px as when it was added.`));
    return;
  }
  item = found;
  labels = new Labels(found, overview);
  drawing.dataset.item = found.item;
  ui.selected = panel.order.find((k) => labels.isDoubted(k, overview.doubted)) ?? panel.order[0];
  ui.hovered = -1;
  ui.dragging = false;
  view.show(picture, found.box);
  element("reason").textContent = reason;
  element("reason").hidden = !reason;
  clock.start(found.correction?.seconds ?? 0);
  update();
  if (task + 1 < overview.tasks.length) load(overview.tasks[task + 1].item).catch(() => {});
}

function fail(error) {
  view.clear();
  const unreached = error instanceof TypeError; // as fetch has it
  toast(unreached ? "The server is not reached: this item cannot be shown." : error.message);
  update();
}

async function load(id) {
  const picture = new Image();
  picture.src = store.pictureUrl(id);
  try {
    await picture.decode();
  } catch {
    throw await store.pictureError(id);
  }
  return picture;
}

function confirm() {
  if (!labels) return;
  const open = overview.tasks.filter(({ state }, k) => state === "open" && k !== task).length;
  if (task + 1 === overview.tasks.length) {
    const left = `That was the last item; ${open} are still open (U)`;
    toast(open ? left : "All items are done. Thank you!");
  }
  go(task + 1, true);
}

function nextOpen() {
  const { length } = overview.tasks;
  const others = overview.tasks.map((_, k) => (task + 1 + k) % length);
  const found = others.find((k) => overview.tasks[k].state === "open" && k !== task);
  if (found === undefined) toast("No other item is open.");
  else go(found);
}

function onSaved(id, answer) {
  const found = overview.tasks.find((each) => each.item === id);
  if (found) found.state = answer.state;
  if (item?.item === id) item.revision = answer.revision;
  if (answer.changed) {
    toast("This item was saved from another window meanwhile; what you saved now counts.");
  }
  update();
}

/** Seconds of work on the item. */
const clock = {
  start(seconds) { [this.seconds, this.last] = [seconds ?? 0, performance.now()]; },
  touch() {
    const now = performance.now();
    this.seconds += Math.min((now - this.last) / 1000, LONGEST_PAUSE_S);
    this.last = now;
  },
};

// --- what keys and buttons do -------------------------------------------------------------------

/** What changes the labels; nothing happens while there are none. */
const EDITS = {
  h: () => labels.state.hold || labels.toggleHidden(ui.selected),
  x: () => labels.state.hold || labels.toggleAbsent(ui.selected),
  s: toggleCurve,
  a: () => labels.state.hold && labels.spreadVertebrae(),
  f: () => labels.swapSides(),
  l: () => labels.swapSides(true),
  g: () => labels.backToGuess(),
  r: () => labels.toggleRejected(),
  z: () => labels.undo(),
  y: () => labels.redo(),
};

const MOVES = {
  Enter: confirm,
  b: () => go(task - 1),
  n: () => go(task + 1),
  u: nextOpen,
  d: () => { ui.light = (ui.light + 1) % LIGHTS; },
  0: () => view.fit(),
  "+": () => view.zoom(1.25),
  "-": () => view.zoom(0.8),
  "?": () => element("help").showModal(),
};

function press(key, back = false) {
  if (labels && EDITS[key]) {
    EDITS[key]();
    keep();
  } else if (MOVES[key]) MOVES[key]();
  else if (labels && key === "Tab") select(back ? -1 : 1);
  else return false;
  update();
  return true;
}

function toggleCurve() {
  const held = labels.state.hold !== null;
  if (labels.toggleCurve()) ui.handle = labels.state.hold.handles.findIndex(Boolean);
  else if (!held) toast("To bend the spine, place C7 (neck) and the sacrum (hip) first.");
}

function select(step) {
  if (!labels.state.hold) {
    const { order } = panel;
    ui.selected = order[(order.indexOf(ui.selected) + step + order.length) % order.length];
    return;
  }
  const { handles } = labels.state.hold;
  const next = (k) => (k + step + handles.length) % handles.length;
  do ui.handle = next(ui.handle); while (!handles[ui.handle]);
}

function nudge(key, far) {
  const { points, hold } = labels.state;
  const from = hold ? hold.handles[ui.handle] : points[ui.selected];
  if (!from || labels.state.rejected) return;
  const step = far ? 10 : 1;
  moveTo([from[0] + step * ARROWS[key][0], from[1] + step * ARROWS[key][1]], "arrows");
  keep();
}

function moveTo(point, tag) {
  if (labels.state.hold) labels.bend(ui.handle, point, `${tag} handle ${ui.handle}`);
  else labels.place(ui.selected, point, `${tag} ${ui.selected}`);
}

/** Keep the work, so that not even a crash of the browser loses it. */
function keep() {
  if (labels.unsaved) store.keep(item.item, labels.said(clock.seconds, item.revision), false);
}

function onKey(event) {
  if (element("help").open || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase().replace("=", "+") : event.key;
  if ((event.ctrlKey || event.metaKey) && !"zy".includes(key)) return;
  clock.touch();
  let used = true;
  if (event.repeat && !REPEATED.includes(key)) used = key in EDITS || key in MOVES || key === "v";
  else if (ARROWS[key] && labels) nudge(key, event.shiftKey);
  else if (key === "v") ui.bare = true;
  else used = press(key === "z" && event.shiftKey ? "y" : key, event.shiftKey);
  if (!used) return;
  event.preventDefault();
  update();
}

// --- the pointer --------------------------------------------------------------------------------

/** What can be dragged: places on the picture, or null. */
function grips() {
  const { rejected, hold, points } = labels.state;
  if (rejected) return [];
  return hold?.handles ?? points.map((point, k) => (labels.isPlaced(k) ? point : null));
}

function onDown(event) {
  if (!labels || drag) return;
  clock.touch();
  drawing.focus();
  drawing.setPointerCapture(event.pointerId);
  const at = [event.offsetX, event.offsetY];
  const found = event.button === 0 ? view.nearest(grips(), at) : -1;
  const [tag, { button }] = [`drag ${event.timeStamp}`, event];
  drag = { from: at, last: at, found, moved: false, tag, button };
  if (found >= 0) {
    const grip = view.toScreen(grips()[found]);
    drag.offset = [grip[0] - at[0], grip[1] - at[1]];
    ui[labels.state.hold ? "handle" : "selected"] = found;
  }
  update();
}

function onMove(event) {
  if (!labels) return;
  const at = [event.offsetX, event.offsetY];
  if (!drag) ui.hovered = labels.state.hold ? -1 : view.nearest(grips(), at);
  else {
    drag.moved ||= distance(at, drag.from) >= CLICK_PX;
    if (drag.moved) dragTo(at);
  }
  update();
}

function dragTo(at) {
  if (drag.found < 0) view.pan(at[0] - drag.last[0], at[1] - drag.last[1]);
  else {
    ui.dragging = true;
    moveTo(view.toPicture([at[0] + drag.offset[0], at[1] + drag.offset[1]]), drag.tag);
  }
  drag.last = at;
}

function onUp() {
  if (!labels || !drag) return;
  clock.touch();
  const { found, moved, button, from } = drag;
  if (found < 0 && !moved && button === 0) placeAbsent(from);
  ui.dragging = false;
  drag = null;
  keep();
  update();
}

/** A click where nothing is places the selected keypoint, and goes on to the next absent one. */
function placeAbsent(at) {
  if (labels.state.hold || labels.state.rejected || labels.isPlaced(ui.selected)) return;
  labels.place(ui.selected, view.toPicture(at));
  const after = panel.order.slice(panel.order.indexOf(ui.selected));
  ui.selected = after.find((k) => !labels.isPlaced(k)) ?? ui.selected;
}

function onWheel(event) {
  event.preventDefault();
  if (!labels) return;
  clock.touch();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
  view.zoom(Math.exp(-event.deltaY * lines * 0.0015), [event.offsetX, event.offsetY]);
  update();
}

// --- what is shown ------------------------------------------------------------------------------

let asked = false;
function update() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; draw(); });
}

function draw() {
  panel.showQueue(overview.tasks, task);
  element("picture").dataset.light = ui.light;
  // While the next item is on its way, the last one stays in sight.
  if (!labels && view.picture) return;
  panel.showLabels(labels, ui.selected);
  drawing.className = cursor(labels?.state.hold);
  view.draw(labels, ui);
}

function cursor(hold) {
  if (!labels) return "";
  if (ui.dragging) return "drag";
  if (drag?.moved) return "pan";
  if (ui.hovered >= 0) return "point";
  return hold || labels.isPlaced(ui.selected) ? "" : "place";
}

function listen() {
  addEventListener("keydown", onKey);
  addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "v") { ui.bare = false; update(); }
  });
  addEventListener("resize", () => {
    view.resize();
    if (view.picture) view.fit();
    update();
  });
  document.addEventListener("visibilitychange", () => {
    if (!labels) return;
    if (!document.hidden) clock.start(clock.seconds);
    else if (labels.unsaved) save();
    else clock.touch();
  });
  drawing.addEventListener("pointerdown", onDown);
  drawing.addEventListener("pointermove", onMove);
  drawing.addEventListener("pointerup", onUp);
  drawing.addEventListener("pointercancel", onUp);
  drawing.addEventListener("wheel", onWheel, { passive: false });
  drawing.addEventListener("contextmenu", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("button[data-key]")) {
    button.addEventListener("click", () => {
      drawing.focus();
      press(button.dataset.key);
    });
  }
}

async function start() {
  try {
    overview = await store.overview();
  } catch (error) {
    toast(error.status ? error.message : "The server is not reached.");
    return;
  }
  view = new View(element("picture"), drawing, overview);
  view.resize();
  panel = new Panel(overview, (k) => {
    ui.selected = k;
    drawing.focus();
    update();
  });
  listen();
  await store.flush();
  const wanted = decodeURIComponent(location.hash.slice(1));
  const place = overview.tasks.findIndex(({ item: id }) => id === wanted);
  await go(place >= 0 ? place : overview.tasks.findIndex(({ state }) => state === "open"));
}

start();
