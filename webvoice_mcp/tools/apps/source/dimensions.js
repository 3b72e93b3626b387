// The width and height of pictures, read from their first bytes, so that a huge one is never decoded.

/** Return [width, height], or undefined if the bytes are of no known kind of picture. */
export function dimensionsOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const found = png(view) ?? jpeg(view) ?? webp(view) ?? gif(view);
    return found?.every((side) => side > 0) ? found : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // the file ends too early
    throw error;
  }
}

function text(view, start, length) {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + start, length));
}

function png(view) {
  return text(view, 1, 3) === "PNG" ? [view.getUint32(16), view.getUint32(20)] : undefined;
}

function gif(view) {
  return text(view, 0, 4) === "GIF8" ? [view.getUint16(6, true), view.getUint16(8, true)] : undefined;
}

function webp(view) {
  if (text(view, 0, 4) !== "RIFF" || text(view, 8, 4) !== "WEBP") return undefined;
  const kind = text(view, 12, 4);
  if (kind === "VP8 ") return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
  }
  const side = (start) => view.getUint16(start, true) + (view.getUint8(start + 2) << 16) + 1;
  return kind === "VP8X" ? [side(24), side(27)] : undefined;
}

function jpeg(view) {
  if (view.getUint16(0) !== 0xffd8) return undefined;
  let at = 2;
  for (;;) {
    while (view.getUint8(at) !== 0xff) at++;
    while (view.getUint8(at) === 0xff) at++;
    const marker = view.getUint8(at++);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [view.getUint16(at + 5), view.getUint16(at + 3)];
    if (marker !== 1 && (marker < 0xd0 || marker > 0xd7)) at += view.getUint16(at);
  }
}
