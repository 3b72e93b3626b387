// Bytes of files, which the page reads in pieces through a tool of the server.

import { fieldsOf, textOf } from "./results.js";

const MAX_BYTES = 24 * 1024 * 1024; // the page holds a file as text, a third longer than the file
const AUTOMATIC_BYTES = 8 * 1024 * 1024; // larger files are read when somebody asks for them
const TYPE = /^(audio|video|image|text|application)\/[\w.+-]+$/;

/** Return true if a file may be read at all. */
export function isReadable(file) {
  return Number.isFinite(file.size_bytes) && file.size_bytes <= MAX_BYTES;
}

/** Return true if a file may be read before anybody asks for it. */
export function isSmall(file) {
  return isReadable(file) && file.size_bytes <= AUTOMATIC_BYTES;
}

/** Return the reason why a file is not read, with what to do. */
export function whyNot(file) {
  if (!Number.isFinite(file.size_bytes)) return "This file is no longer there. It may have been moved or deleted.";
  return "This file is too large to show here. Open it by its path.";
}

/**
 * Read a file and return its base64, media type and size.
 *
 * @param onStart is called with the first bytes, and refuses the rest by throwing
 * @param onProgress is called with the part that was read, from 0 to 1
 */
export async function readFile(host, file, { onStart, onProgress, signal } = {}) {
  const pieces = [];
  let offset = 0;
  let total = 0;
  let type = "";
  do {
    const result = await host.callTool("webvoice_read_file", { uri: file.uri, offset });
    signal?.throwIfAborted();
    if (result.isError) throw new Error(textOf(result) || "The file cannot be read.");
    const fields = fieldsOf(result);
    const blob = result.content?.find((block) => block.type === "resource")?.resource?.blob ?? "";
    if (offset === 0) {
      if (!isReadable({ size_bytes: fields.size_bytes })) throw new Error(whyNot({ size_bytes: fields.size_bytes }));
      total = fields.size_bytes;
      type = TYPE.test(fields.mime_type) ? fields.mime_type : "application/octet-stream";
      onStart?.(bytesOf(blob));
    }
    pieces.push(blob);
    const length = (blob.length * 3) / 4 - (blob.endsWith("==") ? 2 : blob.endsWith("=") ? 1 : 0);
    offset += length;
    if ((length === 0 || length % 3) && offset < total) throw new Error("The file did not arrive whole.");
    onProgress?.(total ? offset / total : 1);
  } while (offset < total);
  return { base64: pieces.join(""), type, bytes: total };
}

/** Return a file as an address. (Hosts forbid addresses of objects.) */
export function addressOf({ base64, type }) {
  return `data:${type};base64,${base64}`;
}

/** Return the bytes that base64 stands for. */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
