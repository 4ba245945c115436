"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const codecs = Object.fromEntries(data.codecs.map((codec) => [codec.name, codec]));
  const metrics = Object.fromEntries(data.metrics.map((metric) => [metric.name, metric]));
  const pictures = Object.fromEntries(data.pictures.map((picture) => [picture.id, picture]));
  const hidden = new Set();

  for (const codec of data.codecs) codec.colour = `var(--${codec.colour})`;

  // Text and elements

  const SVG = "http://www.w3.org/2000/svg";
  function svg(name, attributes = {}, text = null) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== null) made.textContent = text;
    return made;
  }
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "style") made.style.cssText = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }
  const plain = (value, digits) =>
    value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const bytes = (value) => plain(value, 0);
  function seconds(value) {
    if (value === null || value === undefined) return "–";
    if (value < 0.9995) return `${Number((1000 * value).toPrecision(2))} ms`;
    if (value < 120) return `${value.toPrecision(2)} s`;
    return `${plain(value / 60, 1)} min`;
  }
  const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${plain(Math.abs(value), 1)} %`;

  // Scales

  function steps(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const found = [];
    for (let at = Math.ceil(low / step); at * step <= high + 1e-9 * step; at++) found.push(Number((at * step).toPrecision(12)));
    return found;
  }
  function logSteps(low, high, dense) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
      for (const n of dense ? [1, 2, 5] : [1]) {
        const at = Number((n * 10 ** power).toPrecision(6));
        if (at >= low && at <= high) found.push(at);
      }
    }
    return found;
  }
  const linear = (low, high, from, to) => (value) => from + ((value - low) / (high - low)) * (to - from);
  const logarithmic = (low, high, from, to) => (value) =>
    from + (Math.log(value / low) / Math.log(high / low)) * (to - from);

  function frame(holder, label) {
    // Sizes follow the page, so that text keeps its size on a phone.
    const width = Math.max(320, holder.clientWidth || 320);
    const height = width < 560 ? Math.round(width * 0.95) : Math.round(width * 0.52);
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    holder.replaceChildren(root);
    return { root, width, height, left: 48, right: width - 16, top: 12, bottom: height - 40 };
  }
  function axes(box, x, xTicks, xText, y, yTicks, yText, xLabel = String, yLabel = String) {
    for (const at of yTicks) {
      box.root.append(svg("line", { x1: box.left, x2: box.right, y1: y(at), y2: y(at), stroke: "var(--line)" }));
      box.root.append(svg("text", { x: box.left - 8, y: y(at) + 4, "text-anchor": "end" }, yLabel(at)));
    }
    for (const at of xTicks) {
      box.root.append(svg("line", { x1: x(at), x2: x(at), y1: box.top, y2: box.bottom, stroke: "var(--line)" }));
      box.root.append(svg("text", { x: x(at), y: box.bottom + 18, "text-anchor": "middle" }, xLabel(at)));
    }
    box.root.append(svg("text", { x: box.right, y: box.bottom + 34, "text-anchor": "end", class: "strong" }, xText));
    box.root.append(svg("text", { x: box.left + 6, y: box.top + 8, class: "strong" }, yText));
  }

  // A label beside the first of some places [x, y] where it covers nothing that is in `taken`,
  // boxes [left, top, right, bottom], where its own is put; false if there is none.

  function label(box, taken, places, text, size, name = "") {
    const width = 0.58 * size * text.length;
    for (const [x, y] of places) {
      const [beside, above, below] = [0.35 * size, -10, 10 + 0.7 * size];
      for (const [dx, dy, anchor] of [[9, beside, "start"], [-9, beside, "end"], [0, above, "middle"], [0, below, "middle"], [6, above, "end"], [6, below, "end"]]) {
        const left = x + dx - { start: 0, middle: width / 2, end: width }[anchor];
        const own = [left, y + dy - 0.8 * size, left + width, y + dy + 0.2 * size];
        const fits = own[0] >= box.left && own[2] <= box.width && own[1] >= box.top - 8 && own[3] <= box.bottom;
        if (!fits || taken.some((other) => own[0] < other[2] && own[2] > other[0] && own[1] < other[3] && own[3] > other[1])) continue;
        taken.push(own);
        box.root.append(svg("text", { x: x + dx, y: y + dy, "text-anchor": anchor, "font-size": size, class: `label ${name}` }, text));
        return true;
      }
    }
    return false;
  }
  const around = ([x, y], radius) => [x - radius, y - radius, x + radius, y + radius];

  // The nearest of some points {x, y, text} under the pointer

  function hover(box, points) {
    const ring = svg("circle", { r: 7, fill: "none", stroke: "var(--ink)", "stroke-width": 1.5, visibility: "hidden" });
    box.root.append(ring);
    const tip = $("tip");
    const leave = () => { tip.style.display = "none"; ring.setAttribute("visibility", "hidden"); };
    const move = (event) => {
      const place = box.root.getBoundingClientRect();
      const scale = box.width / place.width;
      const [px, py] = [(event.clientX - place.left) * scale, (event.clientY - place.top) * scale];
      let best = null;
      let distance = 30;
      for (const point of points) {
        const away = Math.hypot(point.x - px, point.y - py);
        if (away < distance) [best, distance] = [point, away];
      }
      if (!best) return leave();
      ring.setAttribute("cx", best.x);
      ring.setAttribute("cy", best.y);
      ring.setAttribute("visibility", "visible");
      tip.textContent = best.text;
      tip.style.display = "block";
      const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
      const below = event.clientY + 18;
      tip.style.left = `${Math.max(8, left)}px`;
      tip.style.top = `${below + tip.offsetHeight > window.innerHeight ? event.clientY - tip.offsetHeight - 12 : below}px`;
    };
    box.root.addEventListener("pointermove", move);
    box.root.addEventListener("pointerdown", move);
    box.root.addEventListener("pointerleave", leave);
  }

  // What is chosen

  function fill(select, entries, chosen) {
    select.replaceChildren(...entries.map(([value, text]) => element("option", { value }, text)));
    if (entries.some(([value]) => value === chosen)) select.value = chosen;
  }
  const state = () => {
    const value = $("set").value;
    const single = value.startsWith("picture:") ? value.slice(8) : null;
    const set = single ? null : data.sets[Number(value.slice(4))];
    return { single, set, metric: metrics[$("metric").value], anchor: $("anchor").value };
  };
  function members({ single, set }) {
    if (set) return set.codecs;
    return data.codecs.map((codec) => codec.name).filter((name) => data.rows[name].some((row) => row[0] === single));
  }
  function curve(name, { single, set, metric }) {
    // [setting, bits per pixel, value, bytes or null]
    if (set) return set.curves[metric.name][name].map((point) => [...point, null]);
    const at = data.metrics.indexOf(metric);
    return data.rows[name]
      .filter((row) => row[0] === single && row[4][at] !== null)
      .map((row) => [row[1], row[3], row[4][at], row[2]])
      .sort((a, b) => a[1] - b[1]);
  }
  const isWholeKodak = ({ set }) => set && data.isKodak && set.pictures.length === data.pictures.length;

  // Rate and quality

  function drawCurves() {
    const now = state();
    const log = $("log").checked;
    const shown = members(now).filter((name) => !hidden.has(name));
    const lines = shown.map((name) => ({ name, ...codecs[name], points: curve(name, now) })).filter((line) => line.points.length);
    const references = now.set
      ? data.published.filter((entry) => entry.metric === now.metric.name && !hidden.has(`published:${entry.label}`))
      : [];
    const box = frame($("curves"), `${now.metric.label} against bits per pixel`);
    const all = [...lines.flatMap((line) => line.points.map((point) => [point[1], point[2]])), ...references.flatMap((entry) => entry.points)];
    if (!all.length) {
      box.root.append(svg("text", { x: box.width / 2, y: box.height / 2, "text-anchor": "middle" }, "nothing to draw: the pictures are too small, or all is hidden"));
      return;
    }
    const rates = lines.length ? lines.flatMap((line) => line.points.map((point) => point[1])) : all.map((point) => point[0]);
    const values = (lines.length ? lines.flatMap((line) => line.points.map((point) => point[2])) : all.map((point) => point[1])).sort((a, b) => a - b);
    let [xLow, xHigh] = [Math.min(...rates), Math.max(...rates)];
    if (xLow === xHigh) [xLow, xHigh] = [xLow / 2, xHigh * 2];
    // One very bad point must not press all others together.
    let yLow = Math.max(values[0], values[Math.floor(values.length / 2)] - 3 * (values[values.length - 1] - values[Math.floor(values.length / 2)]));
    let yHigh = values[values.length - 1];
    if (yHigh - yLow < 1e-9) [yLow, yHigh] = [yLow - 1, yHigh + 1];
    const margin = 0.06 * (yHigh - yLow);
    [yLow, yHigh] = [yLow - margin, now.metric.similarity ? Math.min(1, yHigh + margin) : yHigh + margin];
    const x = log
      ? logarithmic(xLow / 1.15, xHigh * 1.15, box.left, box.right)
      : linear(0, xHigh * 1.05, box.left, box.right);
    const y = linear(yLow, yHigh, box.bottom, box.top);
    const narrow = box.width < 560;
    axes(
      box, x, log ? logSteps(xLow / 1.15, xHigh * 1.15, true) : steps(0, xHigh * 1.05, narrow ? 5 : 8), "bits per pixel",
      y, steps(yLow, yHigh, narrow ? 6 : 8), now.metric.label,
    );
    const clip = svg("clipPath", { id: "inside" });
    clip.append(svg("rect", { x: box.left, y: box.top - 4, width: box.right - box.left + 6, height: box.bottom - box.top + 8 }));
    const group = svg("g", { "clip-path": "url(#inside)" });
    box.root.append(clip, group);
    const points = [];
    const drawn = [...lines].sort((a, b) => Number(a.ours) - Number(b.ours))
      .map((line) => ({ ...line, places: line.points.map((point) => [x(point[1]), y(point[2])]) }));
    // along the lines, too, so that no name is struck out
    const taken = drawn.flatMap(({ places }) => places.flatMap((place, i) => {
      const [from, parts] = [places[Math.max(0, i - 1)], i ? 8 : 1];
      return Array.from({ length: parts }, (_, n) => around([0, 1].map((c) => from[c] + ((n + 1) / parts) * (place[c] - from[c])), 3));
    }));
    const names = [];
    const inside = (px, py) => px >= box.left - 4 && px <= box.right + 6 && py >= box.top - 4 && py <= box.bottom + 4;
    for (const entry of references) {
      const places = entry.points.map(([rate, value]) => [x(rate), y(value)]);
      group.append(svg("polyline", { points: places.map((p) => p.join()).join(" "), fill: "none", stroke: "var(--published)", "stroke-width": 1.5, "stroke-dasharray": "5 4" }));
      entry.points.forEach(([rate, value], i) => {
        if (inside(...places[i])) points.push({ x: places[i][0], y: places[i][1], text: `${entry.label} (published)\n${plain(rate, 3)} bits per pixel\n${now.metric.label} ${plain(value, now.metric.digits)}` });
      });
      names.push([places.filter((place) => inside(...place)).reverse(), entry.label]);
    }
    names.push(...drawn.filter((line) => line.places.length === 1).map((line) => [line.places, line.label]));
    const free = [];
    for (const [places, text] of names) label(box, taken, places, text, 11) || label(box, free, places, text, 11);
    for (const line of drawn) {
      const { places } = line;
      group.append(svg("polyline", { points: places.map((p) => p.join()).join(" "), fill: "none", stroke: line.colour, "stroke-width": line.ours ? 3 : 1.75, "stroke-linejoin": "round" }));
      line.points.forEach((point, i) => {
        group.append(svg("circle", { cx: places[i][0], cy: places[i][1], r: line.ours ? 4 : 2.75, fill: line.colour }));
        if (inside(...places[i])) {
          const size = point[3] === null ? "" : `, ${bytes(point[3])} bytes`;
          points.push({ x: places[i][0], y: places[i][1], text: `${line.label}, setting ${point[0]}\n${plain(point[1], 3)} bits per pixel${size}\n${now.metric.label} ${plain(point[2], now.metric.digits)}` });
        }
      });
    }
    hover(box, points);
    $("curve-hint").textContent =
      `${now.metric.label}: ${now.metric.described}. ` +
      (now.set ? "Means over the pictures for each setting. " : "") +
      (references.length ? (isWholeKodak(now) ? "Dashed: published by others for the same pictures, not measured here." : "Dashed: published by others for all 24 Kodak pictures, not only these, and not measured here.") : "");
  }

  function drawLegend() {
    const now = state();
    const entries = members(now).map((name) => ({ key: name, label: codecs[name].label, colour: codecs[name].colour, kind: "" }));
    if (now.set && data.published.some((entry) => entry.metric === now.metric.name)) {
      entries.push(...data.published.map((entry) => ({ key: `published:${entry.label}`, label: entry.label, colour: "var(--published)", kind: "dashed" })));
    }
    $("legend").replaceChildren(
      ...entries.map(({ key, label, colour, kind }) => {
        const button = element("button", { type: "button", class: kind, "aria-pressed": String(!hidden.has(key)), style: `--c: ${colour}` }, element("i"), label);
        button.addEventListener("click", () => {
          if (hidden.has(key)) hidden.delete(key);
          else hidden.add(key);
          button.setAttribute("aria-pressed", String(!hidden.has(key)));
          drawCurves();
        });
        return button;
      }),
    );
  }

  // BD-rates

  function setOf(now) {
    return now.set || data.sets.find((set) => set.pictures.includes(now.single));
  }
  function comparisons(now) {
    const set = setOf(now);
    const anchor = set.codecs.includes(now.anchor) ? now.anchor : set.codecs[0];
    const found = set.codecs
      .filter((name) => name !== anchor)
      .map((name) => {
        const entry = { name, ...codecs[name], ...set.bd[now.metric.name][anchor][name], published: false };
        entry.counted = Object.keys(entry.each).length;
        if (now.single) [entry.percent, entry.low, entry.high] = entry.each[now.single] || [null, null, null];
        return entry;
      });
    if (!now.single && now.metric.name === "psnr" && set.publishedBd[anchor]) {
      for (const [label, entry] of Object.entries(set.publishedBd[anchor])) found.push({ name: label, label, colour: "var(--published)", ...entry, published: true });
    }
    found.sort((a, b) => (a.percent ?? Infinity) - (b.percent ?? Infinity));
    return { set, anchor, found };
  }
  function cell(value, name = "") {
    if (value === null || value === undefined) return element("td", { class: "none" }, "–");
    return element("td", { class: name }, value);
  }
  const named = (label, colour, aside = "") =>
    element("td", {}, element("span", { class: "name", style: `--c: ${colour}` }, element("i"), element("span", {}, label, element("span", { class: "aside" }, aside))));
  function drawBd() {
    const now = state();
    const { set, anchor, found } = comparisons(now);
    const head = element("tr", {}, ...["codec", now.single ? "bits for this picture" : "bits over the set", "", "mean of pictures", `common range of ${now.metric.label}`].map((text) => element("th", {}, text)));
    const sizes = found.filter((entry) => entry.percent !== null).map((entry) => entry.percent);
    const low = Math.min(0, ...sizes);
    // What others published may be far away; it must not press the rest together.
    const measured = found.filter((entry) => !entry.published && entry.percent !== null).map((entry) => entry.percent);
    const high = Math.min(Math.max(10, ...sizes), Math.max(150, ...measured));
    const place = (value) => (100 * (Math.min(value, high) - low)) / (high - low);
    const rows = found.map((entry) => {
      const row = element("tr", { class: entry.published ? "published" : "" });
      row.append(named(entry.label, entry.colour, entry.published ? " (published)" : ""));
      const track = element("div", { class: "track" });
      if (entry.percent !== null) {
        const [from, to] = [place(Math.min(0, entry.percent)), place(Math.max(0, entry.percent))];
        track.append(element("b", { style: `left: ${from}%; width: ${Math.max(0.4, to - from)}%; --c: ${entry.colour}` }));
      }
      track.append(element("u", { style: `left: ${place(0)}%` }));
      if (entry.percent === null) {
        const why = element("td", { class: "none", title: entry.reason }, "–");
        row.append(why);
      } else {
        row.append(cell(signed(entry.percent), entry.percent < 0 ? "less" : "more"));
      }
      row.append(element("td", { class: "bar" }, track));
      const some = entry.counted < entry.pictures ? ` (${entry.counted} of ${entry.pictures})` : "";
      row.append(entry.perPicture === null ? cell(null) : cell(signed(entry.perPicture) + some));
      row.append(entry.percent === null ? cell("too little in common", "none") : cell(`${plain(entry.low, now.metric.digits)} – ${plain(entry.high, now.metric.digits)}`));
      return row;
    });
    $("bd").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
    const few = !now.single && set.pictures.length < data.pictures.length ? ` These are ${set.names.join(", ")}.` : "";
    const where = now.single ? `for ${pictures[now.single].name}` : `over ${set.label.replace(/^Kodak, /, "the Kodak set, ")}`;
    $("bd-hint").textContent =
      `How many more bits (+) or fewer (−) than ${codecs[anchor].label} for the same ${now.metric.label}, ${where}.${few} ` +
      `BD-rate, piecewise cubic, over the range that both have; without ${plain(100 * data.leastOverlap, 0)} % of the shorter range in common there is no number.`;
  }

  // Cost

  function drawCost() {
    const now = state();
    const { set, anchor, found } = comparisons(now);
    const entries = [{ name: anchor, ...codecs[anchor], percent: 0 }, ...found.filter((entry) => !entry.published)]
      .map((entry) => ({ ...entry, cost: set.cost[entry.name] }))
      .filter((entry) => entry.percent !== null && entry.cost.encode_s);
    const box = frame($("cost"), "Bits for the same quality against seconds for a picture");
    if (entries.length) {
      const times = entries.map((entry) => entry.cost.encode_s);
      const [xLow, xHigh] = [Math.min(...times) / 2.5, Math.max(...times) * 2.5];
      const sizes = entries.map((entry) => entry.percent);
      const span = Math.max(20, Math.max(...sizes) - Math.min(...sizes));
      const [yLow, yHigh] = [Math.min(...sizes) - 0.12 * span, Math.max(...sizes) + 0.15 * span];
      const x = logarithmic(xLow, xHigh, box.left, box.right);
      const y = linear(yLow, yHigh, box.bottom, box.top);
      axes(box, x, logSteps(xLow, xHigh, false), "seconds to encode a picture (median)", y, steps(yLow, yHigh, 6), `bits against ${codecs[anchor].label}`, seconds, (at) => `${at > 0 ? "+" : ""}${at} %`);
      box.root.append(svg("line", { x1: box.left, x2: box.right, y1: y(0), y2: y(0), stroke: "var(--soft)" }));
      const points = [];
      for (const entry of entries) {
        const [px, py] = [x(entry.cost.encode_s), y(entry.percent)];
        box.root.append(svg("circle", { cx: px, cy: py, r: entry.ours ? 7 : 5, fill: entry.colour }));
        points.push({ x: px, y: py, text: `${entry.label}\n${seconds(entry.cost.encode_s)} to encode, ${seconds(entry.cost.decode_s)} to decode, ${entry.cost.made_on.join(", ")}\n${signed(entry.percent)} bits` });
      }
      const taken = points.map((point) => around([point.x, point.y], 7));
      entries.forEach((entry, i) => {
        const places = [[points[i].x, points[i].y]];
        label(box, taken, places, entry.label, 12, entry.ours ? "strong" : "") || label(box, [], places, entry.label, 12);
      });
      hover(box, points);
    } else {
      $("cost").replaceChildren();
    }
    const head = element("tr", {}, ...["codec", "encode", "decode", "memory to encode", "memory to decode", "on"].map((text) => element("th", {}, text)));
    const rows = set.codecs.map((name) => {
      const cost = set.cost[name];
      const memory = (value) => (value === null ? null : `${plain(value, 0)} MB`);
      return element("tr", {},
        named(codecs[name].label, codecs[name].colour),
        cell(seconds(cost.encode_s)), cell(seconds(cost.decode_s)), cell(memory(cost.encode_mb)), cell(memory(cost.decode_mb)),
        cell(cost.made_on.join(", ") || null));
    });
    $("times").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  }

  // Parts

  const PARTS = [["payload", "latents", "var(--avif-444)"], ["weights", "weights", "var(--accent)"], ["graph", "graph", "var(--article-1)"], ["header", "header", "var(--jpeg)"]];
  function drawParts() {
    const { parts } = setOf(state());
    const bars = Object.entries(parts).flatMap(([name, found]) => found.map((part) => ({ label: codecs[name].label, of: found.length > 1 ? `q ${part.setting}` : "", ...part })));
    $("parts-section").hidden = !bars.length;
    if (!bars.length) return;
    $("parts-legend").replaceChildren(...PARTS.map(([, label, colour]) => element("span", { class: "block", style: `--c: ${colour}` }, element("i"), label)));
    const holder = $("parts");
    const width = Math.max(320, holder.clientWidth);
    const left = width < 560 ? 96 : 200;
    const most = Math.max(...bars.map((bar) => bar.graph + bar.weights + bar.payload + bar.header));
    const x = linear(0, most, left, width - 70);
    let at = 4;
    const root = svg("svg", { role: "img", "aria-label": "Bytes of each part of our files" });
    const box = { root, width };
    const points = [];
    let last = "";
    for (const bar of bars) {
      if (bar.label !== last) {
        at += last ? 10 : 0;
        if (width < 560) { root.append(svg("text", { x: 0, y: at + 12, class: "strong" }, bar.label)); at += 20; }
        last = bar.label;
      }
      root.append(svg("text", { x: left - 8, y: at + 14, "text-anchor": "end" }, width < 560 ? bar.of : [bar.label, bar.of].filter(Boolean).join(", ")));
      const whole = bar.graph + bar.weights + bar.payload + bar.header;
      let sum = 0;
      for (const [name, label, colour] of PARTS) {
        const [from, to] = [x(sum), x(sum + bar[name])];
        root.append(svg("rect", { x: from, y: at + 2, width: Math.max(0, to - from - 1), height: 16, fill: colour, rx: 1.5 }));
        sum += bar[name];
        points.push({ x: (from + to) / 2, y: at + 10, text: `${label}: ${bytes(bar[name])} bytes, ${plain((100 * bar[name]) / whole, 0)} %` });
      }
      root.append(svg("text", { x: x(sum) + 6, y: at + 14 }, bytes(sum)));
      at += 24;
    }
    root.setAttribute("viewBox", `0 0 ${width} ${at}`);
    holder.replaceChildren(root);
    hover(box, points);
  }

  // Slider

  const versionsOf = (sheet) => [
    { codec: null, label: "original", source: sheet.original },
    ...sheet.versions.map((version) => ({ ...version, label: codecs[version.codec].label })),
  ];
  function chooseSheet() {
    const sheet = data.shown[Number($("sheet").value)];
    const entries = versionsOf(sheet).map((version, i) => [String(i), version.label]);
    const names = sheet.versions.map((version) => version.codec);
    const at = (name) => String(names.indexOf(name) + 1);
    const before = [$("left"), $("right")].map((select) => select.selectedOptions[0]?.textContent);
    const efforts = names.filter((name) => name.startsWith("imcodec-e")).sort();
    const first = efforts[efforts.length - 1] || names.find((name) => codecs[name].ours) || names[0];
    const second = names.includes(data.anchor) && data.anchor !== first ? data.anchor : names.find((name) => name !== first);
    [[$("left"), first], [$("right"), second]].forEach(([select, name], i) => {
      const kept = entries.find(([, text]) => text === before[i]);
      fill(select, entries, kept ? kept[0] : name ? at(name) : "0");
    });
    showPair();
  }
  function caption(version, sheet) {
    if (version.codec === null) return [element("b", {}, "original")];
    const quality = version.psnr === null ? "no error" : `${plain(version.psnr, 2)} dB`;
    return [element("b", {}, version.label), element("br"), `${bytes(version.bytes)} bytes, ${quality}`];
  }
  function showPair() {
    const sheet = data.shown[Number($("sheet").value)];
    const versions = versionsOf(sheet);
    const [a, b] = [versions[Number($("left").value)], versions[Number($("right").value)]];
    $("over").src = a.source;
    $("under").src = b.source;
    $("over").alt = a.label;
    $("under").alt = b.label;
    $("stage").style.aspectRatio = `${sheet.width} / ${sheet.height}`;
    const shownWidth = `${Math.max(560, sheet.width)}px`;
    $("stage").style.width = shownWidth;
    document.querySelector(".captions").style.maxWidth = shownWidth;
    $("left-caption").replaceChildren(...caption(a, sheet));
    $("right-caption").replaceChildren(...caption(b, sheet));
    $("slider-hint").textContent = `Every codec as near to ${bytes(sheet.bytes)} bytes for the whole picture as it comes; move the line. The map shows where the two differ.`;
    move();
    drawMap();
  }
  function move() {
    const at = Number($("split").value);
    $("over").style.clipPath = `inset(0 ${100 - at}% 0 0)`;
    $("handle").style.left = `${at}%`;
  }
  async function drawMap() {
    const wanted = $("difference").checked;
    const map = $("map");
    $("gain-label").style.display = wanted ? "flex" : "none";
    map.style.display = wanted ? "block" : "none";
    $("handle").style.display = wanted ? "none" : "block";
    if (!wanted) return;
    const images = [$("over"), $("under")];
    await Promise.all(images.map((image) => image.decode().catch(() => {})));
    const sheet = data.shown[Number($("sheet").value)];
    [map.width, map.height] = [sheet.width, sheet.height];
    const context = map.getContext("2d", { willReadFrequently: true });
    const [first, second] = images.map((image) => {
      context.drawImage(image, 0, 0, sheet.width, sheet.height);
      return context.getImageData(0, 0, sheet.width, sheet.height);
    });
    const gain = Number($("gain").value);
    for (let i = 0; i < first.data.length; i += 4) {
      for (let c = 0; c < 3; c++) first.data[i + c] = gain * Math.abs(first.data[i + c] - second.data[i + c]);
    }
    context.putImageData(first, 0, 0);
  }

  // Method, and the words at the top

  function terms(entries) {
    return element("dl", {}, ...entries.flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]));
  }
  function drawMethod() {
    const machines = data.machines.map((machine) => [
      machine.processor,
      [machine.accelerator, `${machine.cores} core${machine.cores === 1 ? "" : "s"}`, machine.memory_gb && `${machine.memory_gb} GB`, machine.system, `Python ${machine.python}`, `imcodec ${machine.imcodec}`, machine.commit && `commit ${machine.commit}`,
        ...Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`), machine.note].filter(Boolean).join(", "),
    ]);
    $("method").replaceChildren(
      element("p", {}, "Sizes are those of whole files on disk. Qualities are those of what a decoder gives back, 8-bit RGB; for our files that is a stock onnxruntime. Each file is encoded and decoded in fresh processes; seconds leave out starting Python and loading libraries, and are medians of up to three runs; memory is the peak of the process, interpreter and libraries included" + (data.machines.some((machine) => machine.accelerator) ? ", without what a GPU has of its own." : ".")),
      element("h3", {}, "Codecs"), terms(data.codecs.map((codec) => [codec.label, `${codec.described}; ${codec.version}`])),
      element("h3", {}, "Metrics"), terms(data.metrics.map((metric) => [metric.label, metric.described])),
      ...(data.published.length ? [element("h3", {}, "Published by others, mean over 24 Kodak pictures"), terms(data.published.map((entry) => [entry.label, `${entry.source}; ${entry.note}`]))] : []),
      ...(machines.length ? [element("h3", {}, "Machines"), terms(machines)] : []),
      ...(data.notes.length ? [element("h3", {}, "Notes"), ...data.notes.map((note) => element("p", {}, note))] : []),
      element("h3", {}, "Pictures"), element("p", {}, data.pictures.map((picture) => `${picture.name} (${picture.width}x${picture.height})`).join(", ")),
    );
  }
  function drawLead() {
    const now = state();
    const { set, anchor, found } = comparisons(now);
    const said = found.filter((entry) => entry.ours && entry.percent !== null).map((entry) => {
      const amount = `${plain(Math.abs(entry.percent), 0)} % ${entry.percent < 0 ? "fewer" : "more"} bits`;
      return `${entry.label} takes ${amount} than ${codecs[anchor].label} for the same ${now.metric.label}`;
    });
    const subject = now.single ? pictures[now.single].name : `${set.pictures.length} picture${set.pictures.length === 1 ? "" : "s"}`;
    const count = `${subject}, ${set.codecs.length} codecs.`;
    $("lead").textContent = said.length ? `${count} ${said.join("; ")}.` : count;
  }

  // Start

  fill($("set"), [
    ...data.sets.map((set, i) => [`set:${i}`, `${set.label}, ${set.codecs.length} codecs`]),
    ...(data.pictures.length > 1 ? data.pictures.filter((picture) => data.sets.some((set) => set.pictures.includes(picture.id))).map((picture) => [`picture:${picture.id}`, picture.name]) : []),
  ], "set:0");
  fill($("metric"), data.metrics.map((metric) => [metric.name, metric.label]), "psnr");
  fill($("anchor"), data.codecs.map((codec) => [codec.name, codec.label]), data.anchor);
  const drawAll = () => { drawLead(); drawLegend(); drawCurves(); drawBd(); drawCost(); drawParts(); };
  for (const id of ["set", "metric", "anchor"]) $(id).addEventListener("change", drawAll);
  $("log").addEventListener("change", drawCurves);
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth !== width) { width = window.innerWidth; drawAll(); }
  });
  $("slider-section").hidden = !data.shown.length;
  if (data.shown.length) {
    fill($("sheet"), data.shown.map((sheet, i) => [String(i), `${sheet.picture}, ${bytes(sheet.bytes)} bytes`]), "0");
    $("sheet").addEventListener("change", chooseSheet);
    for (const id of ["left", "right"]) $(id).addEventListener("change", showPair);
    for (const id of ["difference", "gain"]) $(id).addEventListener("change", drawMap);
    $("split").addEventListener("input", move);
    chooseSheet();
  }
  drawMethod();
  drawAll();
})();
