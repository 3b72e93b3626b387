// Pictures: one large, all others as small ones, with arrow keys and zoom.

import { announce, button, element } from "./dom.js";
import { dimensionsOf } from "./dimensions.js";
import { addressOf, isReadable, readFile, whyNot } from "./files.js";
import { failureOf } from "./results.js";

const MAX_PIXELS = 40e6; // a decoded pixel takes four bytes
const KEPT_BYTES = 24 * 1024 * 1024; // of pictures, in all
const AHEAD_BYTES = 8 * 1024 * 1024; // of pictures that are read before they are looked at
const ZOOMS = [1, 1.5, 2, 3, 4];

/** Return the element of a gallery. `onShow` is called with the picture that is large. */
export function gallery(host, pictures, { alt, onShow, signal }) {
  const kept = new Map(); // addresses by index, those used last at the end
  let current = 0;
  let zoom = 0;

  const large = element("div", { className: "large", tabIndex: 0 });
  large.setAttribute("role", "group");
  const place = element("span", { className: "place" });
  const previous = button("‹", () => show(current - 1), { "aria-label": "Previous picture" });
  const next = button("›", () => show(current + 1), { "aria-label": "Next picture" });
  const smaller = button("−", () => setZoom(zoom - 1), { "aria-label": "Zoom out" });
  const larger = button("+", () => setZoom(zoom + 1), { "aria-label": "Zoom in" });
  const small = pictures.map((file, index) =>
    button(String(index + 1), () => show(index), { "aria-label": `Picture ${index + 1}: ${file.name}` }),
  );
  const strip = element("div", { className: "strip" }, ...small);
  strip.setAttribute("role", "group");
  strip.setAttribute("aria-label", "All pictures");
  const several = pictures.length > 1;
  const bar = element("div", { className: "bar" }, ...(several ? [previous, place, next] : []), smaller, larger);
  const box = element("div", { className: "gallery" }, large, bar, ...(several ? [strip] : []));

  function setZoom(level) {
    zoom = Math.min(ZOOMS.length - 1, Math.max(0, level));
    smaller.disabled = zoom === 0;
    larger.disabled = zoom === ZOOMS.length - 1;
    large.classList.toggle("zoomed", zoom > 0);
    large.style.setProperty("--zoom", ZOOMS[zoom]);
  }

  async function show(index) {
    current = Math.min(pictures.length - 1, Math.max(0, index));
    const file = pictures[current];
    setZoom(0);
    place.textContent = `${current + 1} of ${pictures.length}`;
    previous.disabled = current === 0;
    next.disabled = current === pictures.length - 1;
    large.setAttribute("aria-label", `Picture ${current + 1} of ${pictures.length}: ${file.name}`);
    const thumb = small[current];
    for (const other of small) {
      other.removeAttribute("aria-current");
      other.tabIndex = -1; // the tab key stops at one only; the arrow keys go on
    }
    thumb.setAttribute("aria-current", "true");
    thumb.tabIndex = 0;
    if (strip.contains(document.activeElement)) thumb.focus();
    strip.scrollLeft = thumb.offsetLeft - strip.clientWidth / 2 + thumb.offsetWidth / 2;
    onShow(file);
    large.classList.toggle("waiting", !kept.has(current));
    try {
      const address = await addressAt(current);
      if (pictures[current] !== file || signal.aborted) return;
      const picture = element("img", { src: address, alt: several ? `${alt} (${current + 1} of ${pictures.length})` : alt });
      picture.addEventListener("error", () => explain("The picture cannot be shown. Open it by its path."));
      large.replaceChildren(picture);
    } catch (error) {
      if (pictures[current] === file && !signal.aborted) explain(error.message);
    }
    large.classList.remove("waiting");
  }

  function explain(text) {
    const { code, words } = failureOf(text);
    large.replaceChildren(element("p", { className: "why" }, ...(code ? [element("code", {}, code), " "] : []), words));
    announce(words);
  }

  async function addressAt(index) {
    const file = pictures[index];
    if (!kept.has(index)) {
      if (!isReadable(file)) throw new Error(whyNot(file));
      const address = addressOf(await readFile(host, file, { onStart: checkSize, signal }));
      kept.set(index, { address, bytes: file.size_bytes });
      small[index].replaceChildren(element("img", { src: address, alt: "" }));
    }
    const found = kept.get(index);
    kept.delete(index);
    kept.set(index, found);
    forgetOldest();
    return found.address;
  }

  function forgetOldest() {
    let bytes = [...kept.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    for (const [index, entry] of kept) {
      if (bytes <= KEPT_BYTES || kept.size === 1) return;
      kept.delete(index);
      bytes -= entry.bytes;
      small[index].replaceChildren(String(index + 1));
    }
  }

  async function readAhead() {
    let bytes = 0;
    for (let index = 0; index < pictures.length && !signal.aborted; index++) {
      bytes += pictures[index].size_bytes;
      if (!(bytes <= AHEAD_BYTES)) return;
      await addressAt(index).catch(() => {}); // it is said when the picture is looked at
    }
  }

  box.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: pictures.length - 1 };
    const zooms = { "+": zoom + 1, "=": zoom + 1, "-": zoom - 1, 0: 0 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in zooms) setZoom(zooms[event.key]);
    else if (event.key in steps && several && !(zoom && event.target === large)) show(steps[event.key]);
    else return;
    event.preventDefault();
  });
  show(0).then(() => several && readAhead());
  return box;
}

/** Refuse a picture that would take too much memory. */
function checkSize(bytes) {
  const found = dimensionsOf(bytes);
  if (!found) throw new Error("The picture is of a kind that is not shown here. Open it by its path.");
  const [width, height] = found;
  if (width * height > MAX_PIXELS) {
    const megapixels = Math.round((width * height) / 1e6);
    throw new Error(`The picture has ${megapixels} megapixels, too many to show here. Open it by its path.`);
  }
}
