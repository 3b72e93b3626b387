// The player for sound: play and pause, a bar with the waveform, speed, and subtitles that follow.

import { button, clock, drawing, element } from "./dom.js";
import { addressOf, bytesOf } from "./files.js";
import { readSubtitles, subtitleList } from "./subtitles.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const BARS = 160;
const WAVE_BYTES = 4 * 1024 * 1024; // decoding more takes too much memory
const WAVE_RATE = 8000; // samples per second suffice for a picture

/** Return the element of a player for a sound. `load` reads the file. */
export function soundPlayer(host, file, subtitles, { load, isSmall, onLength, onBroken, signal }) {
  const audio = new Audio();
  const icon = drawing("path");
  const play = button(drawing("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, icon), toggle, { className: "play" });
  const bar = element("input", { type: "range", min: 0, max: 1, step: "any", value: 0, disabled: true });
  bar.setAttribute("aria-label", "Position");
  const time = element("span", { className: "time" }, "0:00");
  const wave = element("div", { className: "wave" });
  const options = SPEEDS.map((speed) => element("option", { value: speed, selected: speed === 1 }, `${speed}×`));
  const speed = element("select", { onchange: () => (audio.playbackRate = Number(speed.value)) }, ...options);
  speed.setAttribute("aria-label", "Speed");
  const box = element(
    "div",
    { className: "sound" },
    element("div", { className: "controls" }, play, element("div", { className: "timeline" }, wave, bar), time, speed),
    audio,
  );
  let loading;

  function show() {
    const [now, length] = [audio.currentTime, audio.duration];
    const known = Number.isFinite(length) && length > 0;
    bar.max = known ? length : 1;
    bar.value = known ? now : 0;
    bar.disabled = !known;
    bar.setAttribute("aria-valuetext", `${clock(now)} of ${clock(length)}`);
    time.textContent = known ? `${clock(now)} / ${clock(length)}` : clock(now);
    wave.style.setProperty("--played", `${known ? (100 * now) / length : 0}%`);
    icon.setAttribute("d", audio.paused ? "M7 4v16l13-8z" : "M6 4h4v16H6zM14 4h4v16h-4z");
    play.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
  }

  function loaded() {
    loading ??= load().then((found) => {
      audio.src = addressOf(found);
      if (found.bytes <= WAVE_BYTES) drawWave(found).catch(() => {}); // a picture only
    });
    loading.catch(() => (loading = undefined)); // another click tries again
    return loading;
  }

  async function drawWave({ base64 }) {
    const buffer = await new OfflineAudioContext(1, 1, WAVE_RATE).decodeAudioData(bytesOf(base64).buffer);
    const path = pathOf(buffer.getChannelData(0));
    const picture = (name) =>
      drawing(
        "svg",
        { viewBox: `0 0 ${BARS} 2`, preserveAspectRatio: "none", class: name, "aria-hidden": "true" },
        drawing("path", { d: path }),
      );
    wave.replaceChildren(picture("all"), picture("played"));
  }

  async function toggle() {
    try {
      await loaded();
      if (audio.paused) await audio.play();
      else audio.pause();
    } catch {
      show(); // the failure is shown by whoever loads
    }
  }

  bar.addEventListener("input", () => (audio.currentTime = Number(bar.value)));
  for (const event of ["timeupdate", "durationchange", "play", "pause", "ended", "seeked"]) {
    audio.addEventListener(event, show);
  }
  audio.addEventListener("durationchange", () => Number.isFinite(audio.duration) && onLength(audio.duration));
  audio.addEventListener("error", () => audio.error && onBroken());
  signal.addEventListener("abort", () => audio.pause());
  show();
  if (isSmall) loaded().catch(() => {});
  if (subtitles) {
    readSubtitles(host, subtitles, { signal }).then(
      (cues) => cues.length && !signal.aborted && box.append(subtitleList(cues, audio)),
      () => {}, // they are still listed by their path
    );
  }
  return box;
}

/** Return the outline of a recording, as bars that are as high as the loudest sample of their part. */
function pathOf(samples) {
  const step = Math.max(1, Math.floor(samples.length / BARS));
  const peaks = Array.from({ length: BARS }, (_, bar) => {
    let peak = 0;
    for (let at = bar * step; at < Math.min(samples.length, (bar + 1) * step); at++) {
      peak = Math.max(peak, Math.abs(samples[at]));
    }
    return peak;
  });
  const loudest = Math.max(...peaks, 0.01);
  return peaks
    .map((peak, bar) => {
      const half = Math.max(0.04, peak / loudest);
      return `M${bar + 0.2} ${(1 - half).toFixed(3)}h.6v${(2 * half).toFixed(3)}h-.6z`;
    })
    .join("");
}
