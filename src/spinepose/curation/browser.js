"use strict";
// Shows the people of a set as tiles; filters, an order and keys choose what is seen.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const NS = "http://www.w3.org/2000/svg";
  const by = (id) => document.getElementById(id);
  const grid = by("people"), box = by("one");
  let shown = [], open = -1;

  const svg = (name, attributes) => {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };

  const element = (name, text, look) => {
    const node = document.createElement(name);
    node.textContent = text;
    if (look) node.className = look;
    return node;
  };

  // A keypoint is x, y and COCO's visibility, 0 where there is no label.
  const seen = (person, k) => person.keypoints[3 * k + 2] > 0;
  const at = (person, k) => [person.keypoints[3 * k], person.keypoints[3 * k + 1]];
  const look = (person, part, ...ks) =>
    ks.some((k) => person.keypoints[3 * k + 2] === 1) ? `${part} hidden` : part;

  const picture = (person) => {
    const drawing = svg("svg", { class: "person", viewBox: `0 0 ${data.side} ${data.side}` });
    drawing.append(svg("image", { href: person.picture, width: data.side, height: data.side }));
    const marks = svg("g", {});
    for (const [a, b, part] of data.bones) {
      if (!seen(person, a) || !seen(person, b)) continue;
      const [x1, y1] = at(person, a), [x2, y2] = at(person, b);
      marks.append(svg("line", { x1, y1, x2, y2, class: look(person, part, a, b) }));
    }
    data.parts.forEach((part, k) => {
      if (!seen(person, k)) return;
      const [cx, cy] = at(person, k);
      const dot = svg("circle", { cx, cy, r: 1.9, class: look(person, part, k) });
      const name = svg("title", {});
      name.textContent = data.keypoints[k];
      dot.append(name);
      marks.append(dot);
    });
    drawing.append(marks);
    return drawing;
  };

  const tiles = data.people.map((person, index) => {
    const tile = document.createElement("button");
    tile.type = "button";
    if (person.flags.length) tile.className = "flagged";
    const score = person.score === null ? "" : `OKS ${person.score.toFixed(2)}`;
    const words = [score, person.view, person.activity].filter(Boolean).join(" · ");
    tile.append(
      picture(person),
      element("span", `${person.place} · ${person.file}`),
      element("span", person.flags[0] || words || person.split, "more"),
    );
    tile.addEventListener("click", () => enlarge(shown.indexOf(index)));
    return tile;
  });

  const orders = {
    file: () => 0,
    flags: (a, b) => b.flags.length - a.flags.length,
    score: (a, b) => (a.score ?? 2) - (b.score ?? 2),
    height: (a, b) => a.height - b.height,
    labels: (a, b) => a.labels - b.labels,
  };

  const wanted = (person) => {
    for (const name of ["split", "view", "activity"])
      if (by(name).value && person[name] !== by(name).value) return false;
    if (by("flagged").checked && !person.flags.length) return false;
    if (by("below").value !== "" && !(person.score !== null && person.score <= +by("below").value))
      return false;
    const text = by("text").value.toLowerCase();
    const said = `${person.file} ${person.place} ${person.flags.join(" ")}`;
    return said.toLowerCase().includes(text);
  };

  const update = () => {
    const order = orders[by("order").value];
    shown = data.people.map((_, i) => i).filter((i) => wanted(data.people[i]));
    shown.sort((a, b) => order(data.people[a], data.people[b]) || a - b);
    grid.replaceChildren(...shown.map((i) => tiles[i]));
    by("told").textContent = `${shown.length} of ${data.people.length}`;
  };

  const enlarge = (place) => {
    if (place < 0 || place >= shown.length) return;
    open = place;
    const person = data.people[shown[place]];
    const facts = {
      picture: person.path, split: person.split, place: person.place, view: person.view,
      activity: person.activity, source: person.source, "box height": `${person.height} px`,
      labels: `${person.labels} of ${data.keypoints.length}, ${person.hidden} hidden`,
      OKS: person.score === null ? "" : person.score.toFixed(3),
    };
    const list = document.createElement("dl");
    for (const [name, value] of Object.entries(facts))
      if (value !== "") list.append(element("dt", name), element("dd", value));
    for (const flag of person.flags)
      list.append(element("dt", "flag"), element("dd", flag, "flagged"));
    by("picture").replaceChildren(picture(person));
    by("facts").replaceChildren(list);
    if (!box.open) box.showModal();
  };

  const choices = (name) => {
    const values = [...new Set(data.people.map((person) => person[name]).filter(Boolean))].sort();
    by(name).append(...values.map((value) => element("option", value)));
    by(name).parentElement.hidden = values.length < 2;
  };

  const columns = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;

  const keys = (event) => {
    const typing = event.target.matches("input[type=search], input[type=number], select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    const step = steps[event.key];
    if (event.key === "s") by("bones").click();
    else if (step && box.open) enlarge(open + step);
    else if (box.open) return;
    else if (event.key === "f") by("flagged").click();
    else if (event.key === "/") by("text").focus();
    else if (step) {
      const now = [...grid.children].indexOf(document.activeElement);
      const next = grid.children[now < 0 ? 0 : now + step];
      if (next) next.focus();
    } else return;
    event.preventDefault();
  };

  ["split", "view", "activity"].forEach(choices);
  const scored = data.people.some((person) => person.score !== null);
  by("below").parentElement.hidden = !scored;
  by("order").querySelector("[value=score]").hidden = !scored;
  by("flagged").parentElement.hidden = !data.people.some((person) => person.flags.length);
  for (const name of ["split", "view", "activity", "flagged", "below", "text", "order"])
    by(name).addEventListener("input", update);
  by("bones").addEventListener("input", () =>
    document.body.classList.toggle("bare", !by("bones").checked));
  box.addEventListener("close", () => tiles[shown[open]]?.focus());
  by("close").addEventListener("click", () => box.close());
  document.addEventListener("keydown", keys);
  update();
})();
