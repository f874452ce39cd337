// What stands around the picture: the queue's progress, the keypoints by name, messages.

const TOAST_MS = 5000;
const SIDED = "Left and right";

export const element = (id) => document.getElementById(id);

export function showStatus(kind, text) {
  element("status").dataset.kind = kind;
  element("status").textContent = text;
}

export function toast(text) {
  element("toast").textContent = text;
  element("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { element("toast").hidden = true; }, TOAST_MS);
}

export class Panel {
  /** `choose(k)`: a name was clicked. */
  constructor(overview, choose) {
    this.overview = overview;
    this.choose = choose;
    this.rows = new Map();
    element("project").textContent = overview.project;
    element("annotator").textContent = overview.annotator;
    element("blind").hidden = !overview.blind;
    for (const [part, color] of Object.entries(overview.colors)) {
      element("names").style.setProperty(`--${part}`, color);
    }
    const groups = Object.entries(this.#groups()).filter(([, members]) => members.length);
    for (const [title, members] of groups) this.#addGroup(title, members);
    this.order = groups.flatMap(([, members]) => members);
  }

  /** The spine from the top down, what has no side, then left and right beside each other. */
  #groups() {
    const { keypoints, spine, flip } = this.overview;
    const rest = keypoints.map((_, k) => k).filter((k) => !spine.includes(k));
    const lefts = rest.filter((k) => keypoints[k].startsWith("left_"));
    return {
      Spine: spine,
      Head: rest.filter((k) => flip[k] === k),
      [SIDED]: lefts.flatMap((k) => [k, flip[k]]),
    };
  }

  #addGroup(title, members) {
    const heading = Object.assign(document.createElement("h2"), { textContent: title });
    const list = document.createElement("ol");
    list.className = title === "Spine" ? "" : "pairs";
    list.append(...members.map((k) => this.#row(k, title)));
    element("names").append(heading, list);
  }

  #row(k, title) {
    const name = this.overview.keypoints[k];
    const [row, button] = ["li", "button"].map((kind) => document.createElement(kind));
    row.dataset.part = title === SIDED ? name.split("_")[0] : title.toLowerCase();
    button.title = name;
    const text = name.replace(/^(left|right)_/, "").replaceAll("_", " ");
    button.append(document.createElement("i"), text);
    const level = this.overview.levels[name];
    const small = Object.assign(document.createElement("small"), { textContent: level ?? "" });
    button.append(small);
    button.addEventListener("click", () => this.choose(k));
    row.append(button);
    this.rows.set(k, row);
    return row;
  }

  showQueue(tasks, current) {
    const done = tasks.filter(({ state }) => state !== "open").length;
    element("progress").max = tasks.length;
    element("progress").value = done;
    element("count").textContent = `${current + 1} / ${tasks.length} · ${done} done`;
  }

  showLabels(labels, selected) {
    const hold = labels?.state.hold ?? null;
    element("mode").hidden = !hold;
    element("curve").setAttribute("aria-pressed", hold !== null);
    element("rejected").hidden = !labels?.state.rejected;
    for (const [k, row] of this.rows) {
      row.dataset.seen = labels?.state.seen[k] ?? 0;
      row.classList.toggle("doubted", labels?.isDoubted(k, this.overview.doubted) ?? false);
      row.firstChild.setAttribute("aria-current", k === selected && !hold);
    }
  }
}
