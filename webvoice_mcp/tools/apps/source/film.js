// The player for films: the browser's own, with subtitles.

import { element } from "./dom.js";
import { addressOf } from "./files.js";
import { readSubtitles } from "./subtitles.js";

/** Return the element of a player for a film. `load` reads the file. */
export function filmPlayer(host, file, subtitles, { load, onLength, onBroken, signal }) {
  const video = element("video", { controls: true, playsInline: true, preload: "auto", hidden: true });
  video.setAttribute("aria-label", `Film ${file.name}`);
  video.addEventListener("loadedmetadata", () => onLength(video.duration));
  video.addEventListener("error", () => {
    video.hidden = true;
    onBroken();
  });
  signal.addEventListener("abort", () => video.pause());
  const box = element("div", { className: "film" }, video);
  load().then(
    (found) => {
      video.src = addressOf(found);
      video.hidden = false;
    },
    () => {}, // the failure is shown by whoever loads
  );
  if (subtitles) {
    readSubtitles(host, subtitles, { signal }).then(
      (cues) => {
        const track = video.addTextTrack("subtitles", subtitles.name);
        track.mode = "showing";
        for (const cue of cues) track.addCue(new VTTCue(cue.start, cue.end, cue.text));
      },
      () => {}, // they are still listed by their path
    );
  }
  return box;
}
