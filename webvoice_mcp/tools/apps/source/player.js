// The page ui://webvoice/player: a call while it runs, and its result.

import { announce, button, clock, credits, element, nameOf, number, size } from "./dom.js";
import { copyText } from "./copy.js";
import { isReadable, isSmall, readFile, whyNot } from "./files.js";
import { filmPlayer } from "./film.js";
import { gallery } from "./gallery.js";
import { Host } from "./host.js";
import { followJob } from "./job.js";
import { failureOf, fieldsOf, filesOf, subtitlesFor, textOf } from "./results.js";
import { soundPlayer } from "./sound.js";

const stage = document.getElementById("stage");
const details = document.getElementById("details");
const title = document.getElementById("title");

let given = {}; // the call's arguments
let hasResult = false;
let shown = new AbortController(); // ends what the page did for the result before

const host = new Host({
  "tool-input": (params) => {
    given = params.arguments ?? {};
    if (!hasResult) showRunning({});
  },
  "tool-result": showResult,
  "tool-cancelled": (params) => showFailure(`cancelled: ${params.reason ?? "The call was cancelled."}`),
  teardown: begin,
});

/** End what the page does for the last result. */
function begin() {
  shown.abort();
  shown = new AbortController();
  title.textContent = host.context.toolInfo?.tool?.title ?? "WebVoice";
  stage.replaceChildren();
  details.replaceChildren();
  return shown.signal;
}

function showResult(result) {
  hasResult = true;
  const fields = fieldsOf(result);
  if (result.isError) showFailure(textOf(result));
  else if (fields.job_id && ["running", "submitted"].includes(fields.state)) showJob(fields.job_id);
  else showFiles(fields);
}

function showRunning(job) {
  const signal = begin();
  const bar = element("progress", { "aria-label": "Progress" });
  const words = element("p", { className: "words" });
  stage.append(bar, words);
  const opened = Date.now();
  const update = (found) => {
    const started = Date.parse(found.started_at) || opened;
    const parts = found.parts ?? 0;
    if (parts > 1) {
      bar.max = parts;
      bar.value = found.parts_done ?? 0;
    }
    const done = parts > 1 ? `${found.parts_done ?? 0} of ${parts} parts, ` : "";
    words.textContent = `Running: ${done}${clock(Math.max(0, Date.now() - started) / 1000)}`;
  };
  let last = job;
  const timer = setInterval(() => update(last), 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  update(job);
  announce("Running");
  return { signal, update: (found) => update((last = found)) };
}

async function showJob(id) {
  const { signal, update } = showRunning({});
  details.append(element("p", { className: "words" }, "It goes on without this page. Job ", element("code", {}, id)));
  try {
    const ended = await followJob(host, id, { onProgress: update, signal });
    if (ended.result) showFiles(ended.result);
    else showFailure(ended.failure);
  } catch (error) {
    if (!signal.aborted) showFailure(error.message);
  }
}

function showFailure(text) {
  begin();
  const { code, words } = failureOf(text);
  const alert = element("div", { className: "failure" });
  alert.setAttribute("role", "alert");
  alert.append(element("strong", {}, code || "failed"), element("p", {}, words));
  stage.append(alert);
}

function showFiles(fields) {
  const signal = begin();
  const { sounds, films, pictures, subtitles, others } = filesOf(fields);
  const media = [...films, ...sounds];
  const info = infoOf(fields, signal);
  const open = (file) => {
    const player = element("div", { className: "media" });
    const isFilm = films.includes(file);
    showMedia(player, file, isFilm ? filmPlayer : soundPlayer, subtitlesFor(file, subtitles), info, signal);
    return player;
  };
  if (media.length) stage.append(media.length > 1 ? chooser(media, open) : open(media[0]));
  if (pictures.length) {
    const alt = typeof given.prompt === "string" ? given.prompt.slice(0, 200) : "Picture";
    stage.append(gallery(host, pictures, { alt, onShow: info.show, signal }));
  }
  if (!media.length && !pictures.length) {
    stage.append(textFor(fields, [...subtitles, ...others].length > 0));
  }
  const listed = media.length || pictures.length ? [...subtitles, ...others] : [...subtitles.slice(1), ...others];
  if (!media.length && !pictures.length && subtitles.length) info.show(subtitles[0]);
  info.files.append(...listed.map(pathOf));
  details.append(info.element);
  if (host.takesMessages) details.append(another());
  announce("Done");
}

/** Return what is said of a result that cannot be played or shown: its text, such as a transcript, if there is one. */
function textFor(fields, hasFiles) {
  if (typeof fields.text === "string" && fields.text.trim()) {
    const text = element("p", { className: "text", dir: "auto", tabIndex: 0, "aria-label": "Text" }, fields.text);
    text.setAttribute("role", "region");
    return text;
  }
  return element("p", { className: "words" }, hasFiles ? "The result is in these files." : "The call made no files.");
}

/** Return a choice among several files, with the player of the chosen one below. */
function chooser(files, open) {
  const choice = element("select", {}, ...files.map((file, index) => element("option", { value: index }, file.name)));
  choice.setAttribute("aria-label", "File");
  const place = element("div", {});
  let player;
  const show = () => {
    player?.querySelector("audio, video")?.pause();
    player = open(files[choice.value]);
    place.replaceChildren(player);
  };
  choice.onchange = show;
  show();
  return element("div", { className: "chooser" }, choice, place);
}

function showMedia(place, file, player, subtitles, info, signal) {
  info.show(file);
  const message = element("p", { className: "why", hidden: true });
  const bar = element("progress", { max: 1, hidden: true, "aria-label": "Loading" });
  const explain = (text) => {
    const { code, words } = failureOf(text);
    message.replaceChildren(...(code ? [element("code", {}, code), " "] : []), words);
    message.hidden = signal.aborted;
    announce(words);
  };
  const load = async () => {
    message.hidden = true;
    bar.hidden = false;
    bar.value = 0;
    try {
      return await readFile(host, file, { signal, onProgress: (part) => (bar.value = part) });
    } catch (error) {
      explain(error.message);
      throw error;
    } finally {
      bar.hidden = true;
    }
  };
  const start = () => {
    const onBroken = () => explain("It cannot be played here. Open it by its path.");
    const options = { load, isSmall: isSmall(file), onLength: info.setLength, onBroken, signal };
    place.replaceChildren(player(host, file, subtitles, options), bar, message);
  };
  if (!isReadable(file)) {
    message.hidden = false;
    message.textContent = whyNot(file);
    place.append(message);
  } else if (player === filmPlayer && !isSmall(file)) {
    place.append(button(`Load the film (${size(file.size_bytes)})`, start, { className: "load" }));
  } else start();
}

/** Return the line of facts about the result, and the path of the file that is shown. */
function infoOf(fields, signal) {
  const facts = element("ul", { className: "facts", "aria-label": "Facts" });
  facts.setAttribute("role", "list"); // which some browsers forget of a list without bullets
  const files = element("div", { className: "files" });
  let [length, bytes] = [fields.duration, undefined];
  const update = () => {
    const known = [];
    if (Number.isFinite(length)) known.push(clock(length));
    if (Number.isFinite(bytes)) known.push(size(bytes));
    if (Number.isFinite(fields.credits_used)) known.push(credits(fields.credits_used));
    if (Number.isFinite(fields.credits_remaining)) known.push(`${number(fields.credits_remaining)} left`);
    facts.replaceChildren(...known.map((fact) => element("li", {}, fact)));
    files.hidden = !files.hasChildNodes();
  };
  update();
  const note = typeof fields.note === "string" ? [element("p", { className: "note", dir: "auto" }, fields.note)] : [];
  let path;
  return {
    element: element("div", { className: "info" }, facts, ...note, files),
    files,
    show(file) {
      bytes = file.size_bytes;
      const shown = pathOf(file);
      path?.remove();
      path = shown;
      files.prepend(path);
      update();
    },
    setLength(seconds) {
      if (!signal.aborted) length = seconds;
      update();
    },
  };
}

function pathOf(file) {
  const name = nameOf(file.path);
  const folder = element("span", { className: "folder" }, file.path.slice(0, file.path.length - name.length));
  const path = element("code", { className: "path", title: file.path }, folder, element("span", { className: "name" }, ...nameParts(name)));
  const copy = button("Copy path", async () => {
    copy.textContent = await copyText(path);
    setTimeout(() => (copy.textContent = "Copy path"), 2000);
  });
  copy.setAttribute("aria-label", `Copy path of ${name}`);
  return element("div", { className: "row" }, path, copy);
}

/** Return a name in two parts, of which the second one, with the kind of the file, is never cut. */
function nameParts(name) {
  const letters = [...name];
  const stem = element("span", { className: "stem" }, letters.slice(0, -8).join(""));
  return letters.length > 16 ? [stem, element("span", {}, letters.slice(-8).join(""))] : [name];
}

function another() {
  const tool = host.context.toolInfo?.tool?.name;
  const ask = button("Ask for another like this", async () => {
    ask.disabled = true;
    try {
      await host.sendMessage(`Please make another one like this${tool ? `, again with ${tool}` : ""}.`);
      announce("Asked");
    } catch (error) {
      announce(error.message);
    }
    ask.disabled = false;
  });
  ask.className = "again";
  return ask;
}

begin();
try {
  await host.connect("webvoice-player");
  if (!stage.hasChildNodes()) showRunning({});
} catch (error) {
  showFailure(error.message);
}
