// The sections of the page, from the data that lies in it.

const data = JSON.parse(document.getElementById("data").textContent);
const PARTS = { valid: "validation", test: "test" };
const NAMES = { model: "model", biases: "bias-only baseline", global_mean: "global mean", ranking: "ranking scorer",
  rating: "rating scorer", popular: "most popular items" };

/** An item in words: its title, and the id that the commands take. */
function named({ title, id }) {
  const name = element("bdi", {}, title || id);
  return title ? [name, " ", element("span", { class: "id" }, element("bdi", {}, id))] : [name];
}

const listed = (rows, ...columns) => rows.map((row) => [named(row), ...columns.map((column) => column(row))]);

function put(id, reason, ...content) {
  const said = reason ? [element("p", { class: "missing" }, reason)] : content;
  document.querySelector(`#${id} .content`).replaceChildren(...said.flat());
}

function verdict({ scores, ranking }) {
  return [accuracyVerdict(scores), ...(ranking ? [rankingVerdict(ranking)] : [])].join(" ");
}

function accuracyVerdict(scores) {
  const part = scores && (scores.test ? "test" : "valid");
  if (!part) return data.missing.scores;
  const { model, ...baselines } = scores[part];
  const [best, { rmse }] = Object.entries(baselines).reduce((a, b) => (b[1].rmse <= a[1].rmse ? b : a));
  const change = rmse > 0 ? 100 * (model.rmse / rmse - 1) : 0, share = fixed(Math.abs(change), 1);
  const on = `RMSE ${fixed(model.rmse, 3)} on ${count(model.n_ratings)} ${PARTS[part]} ratings`;
  if (share === "0.0") return `${on}, no different from the ${NAMES[best]}.`;
  return `${on}, ${share}% ${change < 0 ? "below" : "above"} the ${NAMES[best]}${chance("rating")}.`;
}

/** What is said of a difference to a baseline that stands on too little. */
const chance = (scorer) => (data.run.may_be_chance[scorer] ? ", which may be chance" : "");

function rankingVerdict({ by, baseline, scores }) {
  const [ours, simple] = [scores[by]["ndcg@10"], scores[baseline]["ndcg@10"]];
  const times = simple > 0 ? `, ${fixed(ours / simple, 1)} times that of the ${NAMES[baseline]}${chance(by)}` : "";
  return `Recommendations by the ${NAMES[by]}: NDCG@10 ${fixed(ours, 3)} for ${count(scores[by].n_users)} users${times}.`;
}

function rankingTable({ part, by, scores }) {
  const { n_users, n_users_held_out, n_like_users, like_threshold } = scores[by];
  const users = n_users < n_users_held_out ? `${count(n_users)} of ${count(n_users_held_out)} users, drawn` : `${count(n_users)} users`;
  const of = (caption, ...metrics) => table(caption, [...words(""), ...numbers(...metrics.map(([, name]) => name))],
    Object.entries(scores).map(([who, one]) => [NAMES[who], ...metrics.map(([key]) => fixed(one[key], 3))]), { 0: "model" });
  const any = of([element("b", {}, `${PARTS[part]} set`), `: ${users}`],
    ["ndcg@10", "NDCG@10"], ["recall@20", "recall@20"], ["coverage@10", "coverage"]);
  if (!n_like_users) return [any];
  const caption = [element("b", {}, "Likes"), `: rated ${small(like_threshold)} or more, by ${count(n_like_users)} of them`];
  return [any, of(caption, ["like_ndcg@10", "NDCG@10"], ["like_recall@20", "recall@20"])];
}

function scoreTables(scores) {
  return ["test", "valid"].filter((part) => scores[part]).map((part) => {
    const { model } = scores[part];
    const unknown = [["users", model.n_unknown_users], ["items", model.n_unknown_items]];
    const caption = [element("b", {}, `${PARTS[part]} set`), `: ${count(model.n_ratings)} ratings, of which ` +
      unknown.map(([whose, n]) => `${count(n)} of unknown ${whose}`).join(" and ")];
    const rows = Object.entries(scores[part]).map(([who, one]) => [NAMES[who], fixed(one.rmse, 4), fixed(one.mae, 4)]);
    return table(caption, [...words(""), ...numbers("RMSE", "MAE")], rows, { 0: "model" });
  });
}

/** The factors of both sides, or of each where a network has its own. */
const dims = (dim) => (dim !== null && typeof dim === "object" ? { "user factors": dim.user, "item factors": dim.item } : { factors: dim });

function facts(run, settings) {
  const { low, high, mean } = run.scale || {};
  const known = [
    ["model", run.kind.replaceAll("_", " ")], ...Object.entries(dims(run.embedding_dim)), ["method", run.method],
    ["epochs", run.n_epochs], ["best epoch on validation", run.best_epoch],
    ["training ratings", run.scale && count(run.n_ratings)],
    ["training interactions", run.n_interactions > run.n_ratings ? count(run.n_interactions) : null], ["users", count(run.n_users)], ["items", count(run.n_items)],
    ["scale", run.scale && `${small(low)} to ${small(high)}`], ["mean rating", run.scale && fixed(mean, 2)],
    ["parent run", run.parent], ["split", settings && settings.split], ["seed", settings && settings.seed],
    ["finished", settings && settings.finished],
    ["training time", run.fit_seconds === null ? null : `${small(run.fit_seconds)} s`],
    ["ranking method", run.ranking && run.ranking.method], ["ranking factors", run.ranking && run.ranking.embedding_dim],
    ["ranking epochs", run.ranking && run.ranking.n_epochs],
    ["ranking time", run.ranking && `${small(run.ranking.fit_seconds)} s`],
  ].filter(([, value]) => value !== null);
  const list = element("dl", {}, ...known.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))));
  return settings ? [list, ...Object.entries(settings.hyperparameters).map(([scorer, values]) => hyperparameters(scorer, values))] : [list];
}

/** The settings of a scorer's fit, as a config has them. */
function hyperparameters(scorer, values) {
  const text = (value) => (Array.isArray(value) ? `[${value.map(text).join(", ")}]`
    : typeof value === "number" ? small(value) : String(value));
  const rows = Object.entries(values).map(([key, value]) => [key, text(value)]);
  const scroll = element("div", { class: "scroll" }, table(null, words("key", "value"), rows));
  return element("details", {}, element("summary", {}, `Hyperparameters of the ${NAMES[scorer]}`), scroll);
}

function learningCurve({ metric, baseline, epochs }, scores) {
  const points = (part) => epochs.filter((row) => row[part] !== null).map((row) => [row.epoch, row[part]]);
  const valid = points("valid"), simple = scores && scores.valid && scores.valid[baseline][metric];
  const series = [{ name: "training ratings", kind: "plain", points: points("train") }];
  if (valid.length) series.push({ name: "validation ratings", kind: "model", points: valid });
  if (simple) {
    const ends = [epochs[0].epoch, epochs.at(-1).epoch].map((epoch) => [epoch, simple]);
    series.push({ name: `${NAMES[baseline]}, validation`, kind: "biases dashed", points: ends });
  }
  const cell = (value) => (value === null ? "" : fixed(value, 4));
  const rows = epochs.map((row) => [String(row.epoch), cell(row.train), cell(row.valid)]);
  return [legend(series), curves(`${metric.toUpperCase()} by epoch`, series, ["epoch", metric]),
    figures(numbers("epoch", `training ${metric}`, `validation ${metric}`), rows)];
}

function schedule({ epochs }) {
  const series = [{ name: "learning rate", kind: "model", points: epochs.map((row) => [row.epoch, row.lr]) }];
  const rows = epochs.map((row) => [String(row.epoch), small(row.lr)]);
  return [curves("Learning rate by epoch", series, ["epoch", "learning rate"]),
    figures(numbers("epoch", "learning rate"), rows)];
}

function calibration({ part, calibration: bins }) {
  const columns = numbers("predicted", "mean actual", "10%", "90%", "n ratings");
  const rows = bins.map((row) =>
    [...["predicted", "actual", "low", "high"].map((key) => fixed(row[key], 2)), count(row.n_ratings)]);
  const entries = [{ name: `mean of the ${PARTS[part]} ratings; size: number of ratings`, kind: "model", dot: true },
    { name: "as predicted", kind: "plain dashed" }];
  return [legend(entries), calibrationChart(bins), figures(columns, rows)];
}

function activity(accuracy) {
  const rows = [...accuracy.by_user, ...accuracy.by_item];
  const xs = extent(rows.flatMap((row) => [row.model, row.biases]), 0.08); // one scale for both
  return [["user", accuracy.by_user], ["item", accuracy.by_item]].map(([whose, rows]) => {
    const figure = (row) => [range(row), fixed(row.model, 4), fixed(row.biases, 4), count(row.n_ratings)];
    const columns = [...words(`training ratings of the ${whose}`), ...numbers("model", NAMES.biases, "n held-out ratings")];
    return element("div", {}, element("h3", {}, `By ${whose}`),
      legend([{ name: "model", kind: "model", dot: true }, { name: NAMES.biases, kind: "biases", dot: true }]),
      activityChart(`RMSE by training ratings of the ${whose}`, rows, xs), figures(columns, rows.map(figure)));
  });
}

function biasTables({ min_ratings, top, bottom }, link) {
  const unit = link === "sigmoid" ? "; biases before the sigmoid" : "";
  const columns = [...words("item"), ...numbers("bias", "mean rating", "n ratings")];
  return [["Highest", top], ["Lowest", bottom]].map(([which, rows]) => table(
    [element("b", {}, which), `, of items with ${count(min_ratings)} or more training ratings${unit}`], columns,
    listed(rows, (row) => signed(row.bias), (row) => fixed(row.mean, 2), (row) => count(row.n_ratings))));
}

function exampleUser(user) {
  const id = element("bdi", {}, user.id), isRated = user.mean !== null;
  const intro = element("p", {}, "User ", id, ` has ${count(user.n_ratings)} training ${isRated ? "ratings" : "interactions"} ` +
    `(the median user)${isRated ? `, with mean ${fixed(user.mean, 2)}` : ""}.`);
  const columns = [...words("item"), ...numbers(...(isRated ? ["rating"] : []), isRated ? "n ratings" : "n interactions")];
  const ratings = (digits) => (isRated ? [(row) => optional(row.rating, digits)] : []);
  const rows = (items, digits) => listed(items, ...ratings(digits), (row) => count(row.n_ratings));
  const both = element("div", { class: "columns" },
    table([element("b", {}, isRated ? "Rated highest" : "Chosen")], columns, rows(user.rated, 1)),
    table([element("b", {}, "Recommended"), isRated ? ", with the predicted rating" : ""], columns, rows(user.recommended, 2)));
  return [intro, both, ...(user.recommended.length ? reasons(user, user.recommended[0]) : [])];
}

const optional = (value, digits) => (value === null ? "" : fixed(value, digits));

function reasons({ reasons, rank_reasons }, best) {
  const tables = [];
  if (rank_reasons) tables.push(rankReasons(rank_reasons));
  if (reasons) tables.push(...ratingReasons(reasons, best));
  return [element("h3", {}, "Why ", ...named(best), "?"), element("div", { class: "columns" }, ...tables)];
}

function rankReasons({ score, pulls, others, remainder }) {
  const signed3 = (x) => (x > 0 ? "+" : "") + fixed(x, 3);
  const isRated = pulls.some((row) => row.rating !== null);
  const own = listed(pulls, ...(isRated ? [(row) => optional(row.rating, 1)] : []), (row) => signed3(row.pull));
  const blank = isRated ? [""] : [];
  own.push(["others", ...blank, signed3(others)], ["not from own items", ...blank, signed3(remainder)],
    ["rank score", ...blank, fixed(score, 3)]);
  return table([element("b", {}, "Contributions"), " of the user's own items to the rank score"],
    [...words("item"), ...numbers(...(isRated ? ["rating"] : []), "contribution")], own, { [own.length - 1]: "model" });
}

function ratingReasons({ parts, score, pulls, others, remainder }, best) {
  const rows = Object.entries(parts).map(([name, value]) => [name.replaceAll("_", " "), signed(value)]);
  rows.push(["score", fixed(score, 2)]);
  if (fixed(score, 2) !== fixed(best.rating, 2)) rows.push(["rating", fixed(best.rating, 2)]);
  const tables = [table([element("b", {}, "Parts of the prediction")], [...words("part"), ...numbers("value")], rows,
    { [Object.keys(parts).length]: "model" })];
  if (pulls) {
    const own = listed(pulls, (row) => fixed(row.rating, 1), (row) => signed(row.pull));
    own.push(["others", "", signed(others)], ["not from ratings", "", signed(remainder)]);
    tables.push(table([element("b", {}, "Contributions"), " of the user's own ratings to the interaction"],
      [...words("item"), ...numbers("rating", "contribution")], own));
  }
  return tables;
}

function fillPage() {
  const { run, settings, scores, history, accuracy, ranking, map, biases, user, missing } = data;
  document.title = `${run.name} · recsys report`;
  document.getElementById("name").replaceChildren("Report on ", element("bdi", {}, run.name));
  document.getElementById("verdict").textContent = verdict(data);
  document.getElementById("version").textContent = `Written by recsys ${run.recsys_version}.`;
  document.getElementById("ids").hidden = run.has_titles;
  put("facts", null, facts(run, settings));
  put("scores", missing.scores, scores && scoreTables(scores));
  put("ranking", missing.ranking, ranking && rankingTable(ranking));
  put("history", missing.history, history && learningCurve(history, scores));
  put("schedule", missing.history, history && schedule(history));
  put("calibration", missing.accuracy, accuracy && calibration(accuracy));
  put("activity", missing.accuracy, accuracy && activity(accuracy));
  put("map", missing.map, map && itemMap(map));
  put("biases", missing.biases, biases && biasTables(biases, run.link));
  put("user", null, exampleUser(user));
  const filled = [...document.querySelectorAll("section")].filter((section) => !section.querySelector(".missing"));
  const links = filled.map((section) =>
    element("a", { href: `#${section.id}` }, section.querySelector("h2").textContent));
  document.querySelector("nav").replaceChildren(...links);
  drawAll();
  window.addEventListener("resize", drawAll);
}

fillPage();
