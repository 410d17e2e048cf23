// The map of the items: dots, a hint for the one that is pointed at, and a search by title or id.

const SHOWN = 12;

function itemMap({ items: mapped, others, left_out, share }) {
  const items = [...mapped, ...others.map(([id, title, n_ratings, x, y]) => ({ id, title, n_ratings, x, y }))];
  const state = { at: null, places: [], dots: [], ring: null, found: new Set(), n_drawn: mapped.length };
  const tip = element("div", { class: "tip", role: "status", hidden: "" });
  const part = (n) => `direction ${n + 1}: ${fixed(100 * share[n], 0)}% of the variance`;
  const box = chart("Items by their two main directions; arrow keys go from one to the next", (svg, width) => {
    const height = Math.min(620, Math.max(360, width * 0.7));
    drawMap(svg, width, height, items, state, part);
    show(state.at);
    return height;
  }, "chart map");
  box.append(tip);
  const svg = box.querySelector("svg");
  fill(svg, { tabindex: "0", role: "application" }, []); // so that a screen reader leaves it the arrow keys

  function show(at) {
    state.at = at;
    tip.hidden = at === null;
    state.ring.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at === null) return;
    const [x, y] = state.places[at];
    fill(state.ring, { cx: x, cy: y, r: radius(items, at) + 4 }, []);
    tip.replaceChildren(...named(items[at]), element("br"), `${count(items[at].n_ratings)} ratings`);
    const room = box.clientWidth - tip.offsetWidth, above = y - tip.offsetHeight - 14;
    tip.style.left = `${Math.max(0, Math.min(room, x - tip.offsetWidth / 2))}px`;
    tip.style.top = `${above < 0 ? y + 14 : above}px`;
  }

  const point = (event) => {
    const frame = svg.getBoundingClientRect();
    show(nearest(state.places.slice(0, state.n_drawn), event.clientX - frame.left, event.clientY - frame.top));
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") show(null); // a finger that is lifted should leave the hint to be read
  });
  svg.addEventListener("keydown", (event) => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      event.preventDefault();
      show(state.at === null ? 0 : next(state.places, state.n_drawn, state.at, way));
    } else if (event.key === "Escape") show(null);
  });
  const rest = others.length ? ` The ${count(mapped.length)} with the most ratings are shown; a search finds the others too` +
    `${left_out ? `, but for the ${count(left_out)} with the fewest` : ""}.` : "";
  const said = `Point at a dot, or search.${rest}`;
  return [...search(items, state, svg, show), element("p", { class: "muted" }, said), box, state.list];
}

function drawMap(svg, width, height, items, state, part) {
  const drawn = items.slice(0, state.n_drawn); // of the others, only what is found, and no point may lie outside
  const [xs, ys] = ["x", "y"].map((axis) => extent(drawn.map((one) => one[axis]), 0.04));
  const within = (value, low, high) => Math.max(low, Math.min(high, value));
  const x = scale(...xs, 10, width - 10), y = scale(...ys, height - 24, 24);
  svg.append(line(x(0), 0, x(0), height, "grid"), line(0, y(0), width, y(0), "grid"));
  state.places = items.map((one) => [within(x(one.x), 5, width - 5), within(y(one.y), 5, height - 5)]);
  state.dots = state.places.slice(0, state.n_drawn).map(([cx, cy], n) =>
    shape("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: radius(items, n).toFixed(1), class: "dot" }));
  for (const n of state.found) state.dots[n]?.classList.add("match");
  state.ring = shape("circle", { class: "ring", visibility: "hidden" });
  svg.append(...state.dots, ...names(drawn, state.places, width, height), state.ring);
  svg.append(label(width - 8, height - 8, `${part(0)} →`, "end"), label(8, 16, `↑ ${part(1)}`, "start"));
}

const radius = (items, n) => 1.5 + 6 * Math.sqrt(items[n].n_ratings / items[0].n_ratings);

/** Positions of the items to name first: the most rated and the outermost by turns. */
function namingOrder(items, places, width, height) {
  const from = places.slice(0, items.length).map(([x, y]) => Math.hypot(x / width - 0.5, y / height - 0.5));
  const outer = items.map((_, n) => n).sort((a, b) => from[b] - from[a]);
  return [...new Set(items.slice(0, 150).flatMap((_, n) => [n, outer[n]]))];
}

/** The titles of the most rated and of the outermost items, as many as do not overlap. */
function names(items, places, width, height) {
  const taken = [[0, 0, 220, 22], [width - 220, height - 24, width, height]];
  const found = [];
  for (const n of namingOrder(items, places, width, height)) {
    if (found.length >= width / 30) break;
    const text = cut(items[n].title || items[n].id, width < 600 ? 22 : 36), [x, y] = places[n];
    const half = 3 + 3.1 * text.length, up = y - radius(items, n) - 4;
    const middle = Math.max(half, Math.min(width - half, x)); // beside an edge the text moves in
    const frame = [middle - half, up - 11, middle + half, up + 3];
    const apart = (one) => frame[2] < one[0] || frame[0] > one[2] || frame[3] < one[1] || frame[1] > one[3];
    if (frame[1] < 0 || !taken.every(apart)) continue;
    taken.push(frame);
    found.push(label(middle, up, text, "middle", "name"));
  }
  return found;
}

function cut(text, length) {
  const letters = Array.from(text);
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join("")}…`;
}

function nearest(places, x, y, within = 24) {
  let best = null, least = within * within;
  places.forEach(([a, b], n) => {
    const distance = (a - x) ** 2 + (b - y) ** 2;
    if (distance < least) [best, least] = [n, distance];
  });
  return best;
}

/** The nearest item within 45° of a direction, or the same one at the edge. */
function next(places, n_drawn, at, [right, down]) {
  let best = at, least = Infinity;
  places.slice(0, n_drawn).forEach(([x, y], n) => {
    const dx = x - places[at][0], dy = y - places[at][1];
    const along = dx * right + dy * down, across = Math.abs(dx * down) + Math.abs(dy * right);
    if (along > 0 && across <= along && along + across < least) [best, least] = [n, along + across];
  });
  return best;
}

/** A field that marks the items whose title or id holds what is typed; accents and capitals do not count. */
function search(items, state, svg, show) {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const texts = items.map((one) => plain(`${one.title}\n${one.id}`));
  const field = element("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false" });
  const status = element("p", { class: "muted", role: "status", id: "matches" });
  state.list = element("ul", { class: "found" });
  field.addEventListener("input", () => {
    const wanted = plain(field.value.trim());
    const found = wanted ? items.map((_, n) => n).filter((n) => texts[n].includes(wanted)) : [];
    state.found = new Set(found);
    state.dots.forEach((dot, n) => dot.classList.toggle("match", state.found.has(n)));
    svg.classList.toggle("searching", wanted !== "");
    status.textContent = wanted ? `${count(found.length)} of ${count(items.length)} items match` : "";
    state.list.replaceChildren(...found.slice(0, SHOWN).map((n) => choice(items, n, svg, show)));
    show(found.length === 1 ? found[0] : null);
  });
  const caption = element("label", { for: "search" }, "Search titles and ids");
  return [element("div", { class: "search" }, caption, field, status)];
}

function choice(items, n, svg, show) {
  const button = element("button", { type: "button" }, ...named(items[n]));
  button.addEventListener("focus", () => show(n));
  button.addEventListener("click", () => {
    svg.scrollIntoView({ block: "nearest" });
    show(n);
  });
  return element("li", {}, button);
}
