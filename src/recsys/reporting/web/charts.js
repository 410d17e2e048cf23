"use strict";
// Drawing: elements, numbers for people, axes, and the kinds of charts. Text goes in as text nodes only.

function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

const count = (n) => n.toLocaleString("en");
const fixed = (x, digits) => x.toFixed(digits).replace("-", "−");
const signed = (x) => (x > 0 ? "+" : "") + fixed(x, 2);
/** Numbers of an axis in one format, with as many digits as the step between them needs. */
function tickLabels(values) {
  const step = values.length > 1 ? values[1] - values[0] : Math.abs(values[0] || 1);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return values.map((x) => (digits <= 4 ? fixed(x, digits) : x.toExponential(1).replace("-", "−")).replace(/^−(0(\.0+)?)$/, "$1"));
}

const small = (x) => (x === 0 || Math.abs(x) >= 0.001 ? String(+x.toPrecision(3)) : x.toExponential(1)).replace("-", "−");

function table(caption, columns, rows, classes = {}) {
  const cell = (tag, content, at) =>
    element(tag, columns[at].number ? { class: "number" } : {}, ...[content].flat());
  const head = element("tr", {}, ...columns.map((column, at) => cell("th", column.name, at)));
  const body = rows.map((row, n) =>
    element("tr", classes[n] ? { class: classes[n] } : {}, ...row.map((content, at) => cell("td", content, at))));
  const title = caption ? element("caption", {}, ...[caption].flat()) : null;
  return element("table", {}, title, element("thead", {}, head), element("tbody", {}, ...body));
}

const words = (...names) => names.map((name) => ({ name }));
const numbers = (...names) => names.map((name) => ({ name, number: true }));

/** The numbers of a chart, for whoever cannot see it or wants them exactly. */
function figures(columns, rows) {
  const scroll = element("div", { class: "scroll" }, table(null, columns, rows));
  return element("details", {}, element("summary", {}, "The figures"), scroll);
}

const drawings = [];

/** A chart as wide as its place on the page; draw(svg, width) fills it, again whenever the width changes. */
function chart(label, draw, kind = "chart") {
  const svg = shape("svg", { role: "img", "aria-label": label });
  const box = element("div", { class: kind }, svg);
  const redraw = () => {
    if (box.clientWidth === redraw.width) return;
    redraw.width = box.clientWidth;
    svg.replaceChildren();
    const height = draw(svg, redraw.width);
    fill(svg, { width: redraw.width, height, viewBox: `0 0 ${redraw.width} ${height}` }, []);
  };
  drawings.push(redraw);
  return box;
}

function drawAll() {
  for (const redraw of drawings) redraw();
}

function scale(from, to, start, end) {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** About n round numbers within [from, to]. */
function ticks(from, to, n) {
  const rough = (to - from || 1) / n;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= 0.7 * rough);
  const found = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + step * 1e-9; k += 1) found.push(k * step);
  return found;
}

function extent(values, margin) {
  const low = Math.min(...values), high = Math.max(...values), room = (high - low || Math.abs(high) || 1) * margin;
  return [low - room, high + room];
}

function line(x1, y1, x2, y2, kind) {
  return shape("line", { x1, y1, x2, y2, class: kind });
}

function label(x, y, text, anchor = "middle", kind = "") {
  return shape("text", { x, y, "text-anchor": anchor, class: kind }, text);
}

/** Axes with grid lines and the names of what they show; returns the two scales. */
function axes(svg, width, height, xs, ys, names, whole = false) {
  const left = 52, right = width - 12, top = 26, bottom = height - 40;
  const x = scale(...xs, left, right), y = scale(...ys, bottom, top);
  const rows = ticks(...ys, 5), all = ticks(...xs, Math.max(4, Math.floor(width / 90)));
  const columns = whole ? all.filter(Number.isInteger) : all;
  tickLabels(rows).forEach((text, n) => svg.append(
    line(left, y(rows[n]), right, y(rows[n]), "grid"), label(left - 8, y(rows[n]) + 4, text, "end")));
  tickLabels(columns).forEach((text, n) => svg.append(
    line(x(columns[n]), bottom, x(columns[n]), bottom + 5, "grid"), label(x(columns[n]), bottom + 19, text)));
  svg.append(label((left + right) / 2, height - 4, names[0]), label(4, 14, names[1], "start"));
  return { x, y };
}

function legend(entries) {
  return element("div", { class: "legend" }, ...entries.map(({ name, kind, dot }) => {
    const sign = dot ? shape("circle", { cx: 13, cy: 6, r: 5, class: kind }) : line(0, 6, 26, 6, `series ${kind}`);
    return element("span", {}, shape("svg", { "aria-hidden": "true" }, sign), name);
  }));
}

/** Curves over epochs: series are {name, kind, points: [[x, y], …]}. */
function curves(description, series, names) {
  const points = series.flatMap((one) => one.points);
  const [first, last] = extent(points.map(([x]) => x), 0);
  const ys = extent(points.map(([, y]) => y), 0.06);
  return chart(description, (svg, width) => {
    const height = 300;
    const { x, y } = axes(svg, width, height, [first, last], ys, names, true);
    for (const { kind, name, points: own } of series) {
      const path = own.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");
      svg.append(shape("polyline", { points: path, class: `series ${kind}` }));
      if (own.length > 60 || kind.includes("dashed")) continue;
      for (const [a, b] of own) {
        const hint = shape("title", {}, `${name}, epoch ${a}: ${small(b)}`);
        svg.append(shape("circle", { cx: x(a), cy: y(b), r: 3, class: kind }, hint));
      }
    }
    return height;
  });
}

/** What people gave (mean, and the middle 80%) where the model predicted so much. */
function calibrationChart(rows) {
  const xs = extent(rows.map((row) => row.predicted), 0.04);
  const ys = extent(rows.flatMap((row) => [row.low, row.high]), 0.04);
  const most = Math.max(...rows.map((row) => row.n_ratings));
  return chart("Mean rating given, by predicted rating", (svg, width) => {
    const height = 340;
    const { x, y } = axes(svg, width, height, xs, ys, ["predicted rating", "rating given"]);
    const [from, to] = [Math.max(xs[0], ys[0]), Math.min(xs[1], ys[1])];
    if (from < to) svg.append(line(x(from), y(from), x(to), y(to), "series plain dashed"));
    for (const row of rows) {
      const hint = `predicted ${fixed(row.predicted, 2)}, given ${fixed(row.actual, 2)}, ${count(row.n_ratings)} ratings`;
      const radius = 3 + 4 * Math.sqrt(row.n_ratings / most);
      svg.append(
        line(x(row.predicted), y(row.low), x(row.predicted), y(row.high), "spread"),
        shape("circle", { cx: x(row.predicted), cy: y(row.actual), r: radius, class: "model" }, shape("title", {}, hint)));
    }
    return height;
  });
}

/** A row for each range of activity: the rmse of the model and of the biases, and how many ratings it stands on. */
function activityChart(description, rows, xs) {
  return chart(description, (svg, width) => {
    const left = 98, right = width - 62, step = 26, top = 46;
    const bottom = top + rows.length * step;
    const x = scale(...xs, left, right);
    const columns = ticks(...xs, Math.max(3, Math.floor((right - left) / 60)));
    tickLabels(columns).forEach((text, n) => svg.append(
      line(x(columns[n]), top - 8, x(columns[n]), bottom, "grid"), label(x(columns[n]), top - 14, text)));
    svg.append(label(0, 12, "training ratings", "start"), label(width, 12, "held out", "end"));
    svg.append(label((left + right) / 2, 12, "rmse"));
    rows.forEach((row, n) => {
      const y = top + step * (n + 0.5);
      const hint = `model ${fixed(row.model, 3)}, bias-only baseline ${fixed(row.biases, 3)}`;
      svg.append(
        label(left - 10, y + 4, range(row), "end", "strong"), label(width, y + 4, count(row.n_ratings), "end"),
        line(x(row.biases), y, x(row.model), y, "between"),
        shape("circle", { cx: x(row.biases), cy: y, r: 5, class: "biases" }, shape("title", {}, hint)),
        shape("circle", { cx: x(row.model), cy: y, r: 5, class: "model" }, shape("title", {}, hint)));
    });
    return bottom + 6;
  });
}

const range = ({ low, high }) => (low === high ? count(low) : `${count(low)}–${count(high)}`);
