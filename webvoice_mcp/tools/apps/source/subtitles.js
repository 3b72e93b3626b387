// Subtitles: reading of SRT and WebVTT, and a list that follows a recording.

import { element } from "./dom.js";
import { bytesOf, readFile } from "./files.js";

const MAX_BYTES = 2 * 1024 * 1024;
const SHOWN = 200; // lines in the list at a time
const TIMES = /((?:\d+:)?\d\d?:\d\d[.,]\d{3})\s*-->\s*((?:\d+:)?\d\d?:\d\d[.,]\d{3})/;

/** Return the lines of subtitles as {start, end, text}, in seconds. */
export function parseSubtitles(text) {
  const cues = [];
  for (const block of text.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => TIMES.test(line));
    if (at < 0) continue;
    const [, start, end] = TIMES.exec(lines[at]);
    const spoken = lines.slice(at + 1).join("\n").replace(/<[^>]*>/g, "").trim();
    if (spoken) cues.push({ start: seconds(start), end: seconds(end), text: spoken });
  }
  return cues.sort((one, other) => one.start - other.start);
}

function seconds(time) {
  return time.replace(",", ".").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** Read a file of subtitles and return its lines. */
export async function readSubtitles(host, file, options) {
  if (!(file.size_bytes <= MAX_BYTES)) return [];
  const { base64 } = await readFile(host, file, options);
  return parseSubtitles(new TextDecoder().decode(bytesOf(base64)));
}

/** Return the place of the line that is spoken at a time, or of the last one before it; -1 if there is none. */
export function lineAt(cues, time) {
  let [low, high] = [0, cues.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cues[middle].start <= time + 0.01) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Return a list of lines that follows a recording. A line that is chosen is played. */
export function subtitleList(cues, media) {
  const list = element("ol", { className: "lines", "aria-label": "Subtitles" });
  const moves = { ArrowUp: (at) => at - 1, ArrowDown: (at) => at + 1, Home: () => 0, End: () => list.children.length - 1 };
  // The tab key stops at one line only, from which the arrow keys go on.
  list.addEventListener("keydown", (event) => {
    const at = [...list.children].findIndex((item) => item.contains(event.target));
    const next = list.children[moves[event.key]?.(at)];
    if (!next || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    next.firstChild.focus();
  });
  let [first, current] = [-1, -2];
  const show = () => {
    const line = lineAt(cues, media.currentTime);
    const spoken = line >= 0 && media.currentTime < cues[line].end;
    list.classList.toggle("quiet", !spoken);
    if (line === current) return;
    const start = Math.max(0, Math.floor(line / SHOWN) * SHOWN - 5);
    if (start !== first) {
      first = start;
      list.replaceChildren(...cues.slice(start, start + SHOWN + 10).map((cue) => lineElement(cue, media)));
    }
    list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    current = line;
    const shown = list.children[line - first];
    shown?.firstChild.setAttribute("aria-current", "true");
    for (const item of list.children) item.firstChild.tabIndex = item === (shown ?? list.firstChild) ? 0 : -1;
    if (shown) list.scrollTop = shown.offsetTop - list.clientHeight / 2 + shown.offsetHeight / 2;
  };
  media.addEventListener("timeupdate", show);
  media.addEventListener("seeked", show);
  show();
  return list;
}

function lineElement(cue, media) {
  const play = () => {
    media.currentTime = cue.start;
    media.play();
  };
  return element("li", {}, element("button", { type: "button", dir: "auto", onclick: play }, cue.text));
}
