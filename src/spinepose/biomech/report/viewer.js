"use strict";
// Shows the fitted body of a frame, turned with the mouse; a slider and the charts choose the frame.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [canvas, slider, play, told] = ["view", "frame", "play", "told"].map((id) =>
    document.getElementById(id));
  const charts = [...document.querySelectorAll("svg[data-time]")].map((svg) => ({
    svg,
    cursor: svg.querySelector(".cursor"),
    plot: svg.dataset.plot.split(" ").map(Number),
    time: svg.dataset.time.split(" ").map(Number),
  }));
  const states = ["missing", "ok", "warn", "flag", "unjudged"];
  const count = data.frames.length;
  let index = 0;
  let yaw = data.heading - Math.PI / 4;
  let pitch = 0.14;
  let zoom = 1;
  let centre = [0, 0, 0];
  let playing = null;

  const point = (row, i) => (row[3 * i] === null ? null : row.slice(3 * i, 3 * i + 3));

  // The hip of the body stays in the middle, or of the measured points where there is no body.
  function middle() {
    const hip = data.chain[data.chain.length - 1];
    const known = point(data.model[index], hip) ||
      data.names.map((_, i) => point(data.measured[index], i)).find((p) => p);
    centre = known || centre;
  }

  function draw() {
    const sharp = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * sharp;
    canvas.height = height * sharp;
    const pen = canvas.getContext("2d");
    pen.scale(sharp, sharp);
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    const scale = (zoom * Math.min(width, height)) / 2100;
    const [sy, cy, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
    const place = (p) => {
      const [x, y, z] = p.map((v, i) => v - centre[i]);
      const depth = z * cy - x * sy;
      return [width / 2 + scale * (x * cy + z * sy), height / 2 - scale * (y * cp - depth * sp)];
    };
    const line = (points, look, wide) => {
      pen.beginPath();
      points.filter((p) => p).map(place).forEach(([x, y], i) => (i ? pen.lineTo : pen.moveTo).call(pen, x, y));
      Object.assign(pen, { strokeStyle: color(look), lineWidth: wide, lineCap: "round", lineJoin: "round" });
      pen.stroke();
    };
    const dot = (p, look, radius) => {
      pen.beginPath();
      pen.arc(...place(p), radius, 0, 2 * Math.PI);
      pen.fillStyle = color(look);
      pen.fill();
    };
    const [model, measured, spine] = [data.model[index], data.measured[index], data.spine[index]];
    if (model[0] !== null) {
      data.bones.forEach(([a, b]) => line([point(model, a), point(model, b)], "line", 4));
      line(Array.from({ length: spine.length / 3 }, (_, i) => point(spine, i)), "c0", 6);
      data.chain.forEach((i) => dot(point(model, i), "paper", 2.5));
    }
    const doubted = [];
    data.names.forEach((name, i) => {
      const state = states[data.states[index][i]];
      if (state === "missing") return;
      const [found, fitted] = [point(measured, i), point(model, i)];
      if (state === "warn" || state === "flag") line([found, fitted], state, 2);
      dot(found, state === "unjudged" ? "c2" : state, state === "flag" ? 6 : 4);
      if (state !== "flag") return;
      const far = Math.hypot(...found.map((v, k) => v - fitted[k]));
      doubted.push([far, name]);
      const [x, y] = place(found);
      pen.fillStyle = color("ink");
      pen.font = "12px system-ui, sans-serif";
      pen.fillText(name, x + 9, y + 4);
    });
    tell(doubted);
  }

  function tell(doubted) {
    const list = doubted.sort((a, b) => b[0] - a[0]).map(([far, name]) => `${name} ${far.toFixed(0)} mm`);
    const pose = data.model[index][0] === null ? ", no pose" : "";
    const flagged = list.length ? `; flagged: ${list.join(", ")}` : "";
    told.textContent = `frame ${data.frames[index]}, ${data.times[index].toFixed(2)} s${pose}${flagged}`;
  }

  function show(wanted) {
    index = Math.min(Math.max(wanted, 0), count - 1);
    slider.value = index;
    for (const { cursor, plot, time } of charts) {
      const share = (data.times[index] - time[0]) / (time[1] - time[0] || 1);
      cursor.setAttribute("transform", `translate(${share * (plot[1] - plot[0])} 0)`);
    }
    middle();
    draw();
  }

  const nearest = (values, wanted) =>
    values.reduce((best, v, i) => (Math.abs(v - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);

  function stop() {
    cancelAnimationFrame(playing);
    playing = null;
    play.textContent = "play";
  }

  function start() {
    const last = data.times[count - 1];
    const from = index === count - 1 ? data.times[0] : data.times[index];
    const begun = performance.now();
    play.textContent = "stop";
    const step = (now) => {
      const time = from + (now - begun) / 1000;
      show(nearest(data.times, time));
      if (time < last) playing = requestAnimationFrame(step);
      else stop();
    };
    playing = requestAnimationFrame(step);
  }

  document.body.classList.add("live");
  slider.max = count - 1;
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  play.addEventListener("click", () => (playing === null ? start() : stop()));
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    yaw += event.movementX / 120;
    pitch = Math.min(Math.max(pitch + event.movementY / 120, -1.5), 1.5);
    draw();
  });
  canvas.addEventListener("dblclick", () => { zoom = zoom === 1 ? 2 : 1; draw(); });
  for (const { svg, plot, time } of charts) {
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const share = (x - plot[0]) / (plot[1] - plot[0]);
      stop();
      show(nearest(data.times, time[0] + share * (time[1] - time[0])));
    });
  }
  for (const button of document.querySelectorAll("[data-frame]")) {
    button.addEventListener("click", () => {
      stop();
      show(nearest(data.frames, Number(button.dataset.frame)));
      canvas.scrollIntoView({ block: "center" });
    });
  }
  window.addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  show(0);
})();
