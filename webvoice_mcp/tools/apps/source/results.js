// What a tool's result says, whichever of its parts the host passes on.

import { nameOf } from "./dom.js";

/** Return the text blocks of a result. */
export function textOf(result) {
  const blocks = (result.content ?? []).filter((block) => block.type === "text");
  return blocks.map((block) => block.text).join("\n");
}

/** Return the structured content; some hosts pass on only the text, which is the same JSON, or the links. */
export function fieldsOf(result) {
  if (result.structuredContent) return result.structuredContent;
  try {
    const fields = JSON.parse(textOf(result));
    if (typeof fields === "object" && fields) return fields;
  } catch {
    // the text is not the JSON, maybe cut
  }
  const links = (result.content ?? []).filter((block) => block.type === "resource_link");
  return { files: links.map(({ uri, mimeType, size, name }) => ({ uri, mime_type: mimeType, size_bytes: size, path: name })) };
}

/** Return a failure as its code and its words. */
export function failureOf(text) {
  const [, code = "", words = text] = /^([a-z_]{3,40}): ([^]*)$/.exec(text) ?? [];
  return { code, words: words || "The call failed and did not say why." };
}

/** Return the files of a result by what the page does with them. */
export function filesOf(fields) {
  const files = (Array.isArray(fields.files) ? fields.files : []).filter((file) => file && typeof file.uri === "string");
  const found = { sounds: [], films: [], pictures: [], subtitles: [], others: [] };
  for (const file of files) {
    const type = String(file.mime_type);
    const name = nameOf(String(file.path ?? file.uri));
    let kind = "others";
    if (/\.(srt|vtt)$/i.test(name)) kind = "subtitles";
    else if (type.startsWith("audio/")) kind = "sounds";
    else if (type.startsWith("video/")) kind = "films";
    else if (type.startsWith("image/")) kind = "pictures";
    found[kind].push({ ...file, name, path: String(file.path ?? file.uri) });
  }
  return found;
}

/** Return the subtitles that belong to a recording or film: those of the same name, else the only ones. */
export function subtitlesFor(media, subtitles) {
  const stem = (name) => name.replace(/\.[^.]*$/, "");
  const same = subtitles.find((file) => stem(file.name) === stem(media.name));
  return same ?? (subtitles.length === 1 ? subtitles[0] : undefined);
}
