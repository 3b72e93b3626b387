// Elements, texts and numbers of a page. Text from results is only ever set as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Return a new element. Properties that the element does not have become attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Return a new SVG element. */
export function drawing(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Return a button. */
export function button(label, onclick, properties = {}) {
  return element("button", { type: "button", onclick, ...properties }, label);
}

/** Return seconds as 1:05 or 1:02:03. */
export function clock(seconds) {
  const whole = Math.floor(Number.isFinite(seconds) ? seconds : 0);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** Return a size in bytes for readers. */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  const [amount, unit] = bytes < 1048576 ? [bytes / 1024, "KB"] : [bytes / 1048576, "MB"];
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}

/** Return a number with at most two decimals. */
export function number(value) {
  return Number(value).toLocaleString(undefined, { maximumFractionDigits: 2 });
}

/** Return an amount of credits. */
export function credits(amount) {
  return `${number(amount)} ${Number(amount) === 1 ? "credit" : "credits"}`;
}

/** Return the last part of a path. */
export function nameOf(path) {
  return path.split(/[\\/]/).pop();
}

/** Say something to a screen reader. */
export function announce(text) {
  document.getElementById("status").textContent = text;
}
