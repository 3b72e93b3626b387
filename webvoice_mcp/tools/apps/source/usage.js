// The page ui://webvoice/usage: credits by day and by tool, as charts and as tables.

import { announce, credits, drawing, element, number } from "./dom.js";
import { Host } from "./host.js";
import { failureOf, fieldsOf, textOf } from "./results.js";

const PERIODS = [7, 30, 90, 365];
const MAX_GAP_DAYS = 45; // days without jobs are shown if the chart stays as short as this
const MIN_DAYS = 14;
const DAY = 86_400_000;
const [WIDTH, HEIGHT] = [560, 120]; // at most

const content = document.getElementById("content");
let days = 30;

const host = new Host({
  "tool-input": (params) => (days = params.arguments?.days ?? days),
  "tool-result": show,
});

function show(result) {
  if (result.isError) {
    const { code, words } = failureOf(textOf(result));
    const alert = element("div", { className: "failure" }, element("strong", {}, code || "failed"), element("p", {}, words));
    alert.setAttribute("role", "alert");
    content.replaceChildren(alert);
    return;
  }
  const usage = fieldsOf(result);
  const byDay = Object.entries(usage.by_day ?? {}).sort();
  const byTool = Object.entries(usage.by_tool ?? {}).sort(([, one], [, other]) => other - one);
  content.replaceChildren(
    element("p", { className: "total" }, element("strong", {}, credits(usage.total_credits ?? 0)), unknown(usage)),
    ...(byDay.length || byTool.length
      ? [
          section("By day", columns(filled(byDay)), table("Day", byDay)),
          section("By tool", bars(byTool), table("Tool", byTool)),
        ]
      : [element("p", { className: "words" }, "Nothing was spent in this time.")]),
  );
  announce(`${credits(usage.total_credits ?? 0)} in ${days} days`);
}

function unknown(usage) {
  const jobs = usage.unknown?.jobs ?? 0;
  if (!jobs) return "";
  const most = Number.isFinite(usage.unknown.at_most) ? `, at most ${number(usage.unknown.at_most)}` : "";
  return ` and ${jobs} ${jobs === 1 ? "job" : "jobs"} of unknown cost${most}`;
}

/** Add the days on which nothing was spent, if they are not too many. */
function filled(byDay) {
  const times = byDay.map(([day]) => Date.parse(`${day}T00:00:00Z`));
  const span = byDay.length ? (times.at(-1) - times[0]) / DAY : NaN;
  if (!(span <= MAX_GAP_DAYS)) return byDay;
  const shown = Math.max(span + 1, Math.min(days, MIN_DAYS)); // a single bar would be no chart
  const spent = new Map(byDay);
  return Array.from({ length: shown }, (_, index) => {
    const day = new Date(times.at(-1) + (index + 1 - shown) * DAY).toISOString().slice(0, 10);
    return [day, spent.get(day) ?? 0];
  });
}

function section(name, chart, behind) {
  const heading = element("h2", {}, name);
  return element("section", {}, heading, chart, element("details", {}, element("summary", {}, `${name}, as a table`), behind));
}

function columns(byDay) {
  const most = Math.max(...byDay.map(([, spent]) => spent), 0.01);
  const width = Math.min(WIDTH, content.clientWidth || WIDTH);
  const step = width / Math.max(byDay.length, 7);
  const label = `Credits by day: ${byDay.filter(([, spent]) => spent).map(([day, spent]) => `${day} ${number(spent)}`).join(", ")}`;
  const chart = drawing("svg", { viewBox: `0 0 ${width} ${HEIGHT + 36}`, preserveAspectRatio: "xMinYMid", role: "img", "aria-label": label, class: "columns" });
  const every = Math.ceil(50 / step); // labels of dates need space
  byDay.forEach(([day, spent], index) => {
    const height = (HEIGHT * spent) / most;
    const middle = (index + 0.5) * step;
    chart.append(
      drawing("rect", { x: middle - step * 0.35, y: 18 + HEIGHT - height, width: step * 0.7, height, rx: 3 }),
    );
    if (spent && (step >= 30 || spent === most)) {
      chart.append(drawing("text", { x: middle, y: 13 + HEIGHT - height, "text-anchor": "middle" }, number(spent)));
    }
    if ((byDay.length - 1 - index) % every === 0) {
      const anchor = middle < 20 ? "start" : width - middle < 20 ? "end" : "middle"; // so that no date is cut
      const x = { start: 0, middle, end: width }[anchor];
      chart.append(drawing("text", { x, y: HEIGHT + 34, "text-anchor": anchor }, dateOf(day)));
    }
  });
  return chart;
}

/** Return a day such as 2026-11-29 as readers write it, without the year. */
function dateOf(day) {
  const date = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? day : date.toLocaleDateString(undefined, { month: "short", day: "numeric", timeZone: "UTC" });
}

function bars(byTool) {
  const most = Math.max(...byTool.map(([, spent]) => spent), 0.01);
  const list = element("dl", { className: "bars" });
  for (const [tool, spent] of byTool) {
    const bar = drawing("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" });
    bar.append(drawing("rect", { width: (100 * spent) / most, height: 1 }));
    list.append(element("dt", {}, plain(tool)), element("dd", {}, bar, element("span", {}, number(spent))));
  }
  return list;
}

function table(name, rows) {
  const head = element("tr", {}, element("th", { scope: "col" }, name), element("th", { scope: "col" }, "Credits"));
  const body = rows.map(([label, spent]) =>
    element("tr", {}, element("th", { scope: "row" }, plain(label)), element("td", {}, number(spent))),
  );
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function plain(tool) {
  return tool.replace(/^webvoice_/, "").replaceAll("_", " ");
}

/** Offer other periods of time. */
function offerPeriods() {
  const periods = [...new Set([...PERIODS, days])].sort((one, other) => one - other);
  const options = periods.map((period) => element("option", { value: period, selected: period === days }, `${period} days`));
  const choice = element("select", {}, ...options);
  choice.setAttribute("aria-label", "Time");
  choice.onchange = async () => {
    days = Number(choice.value);
    try {
      show(await host.callTool("webvoice_usage", { days }));
    } catch (error) {
      show({ isError: true, content: [{ type: "text", text: error.message }] });
    }
  };
  document.getElementById("period").replaceChildren(choice);
}

try {
  await host.connect("webvoice-usage");
  offerPeriods();
} catch (error) {
  show({ isError: true, content: [{ type: "text", text: error.message }] });
}
