// Copying a path, which hosts may forbid.

import { announce } from "./dom.js";

/** Copy the text of an element; where that is forbidden, select it for the user to copy. */
export async function copyText(shown) {
  const selection = getSelection();
  selection.selectAllChildren(shown);
  let copied = false;
  // Asking although the chat program forbids it would be reported as an error.
  const isAllowed = document.featurePolicy?.allowsFeature("clipboard-write") ?? true;
  try {
    if (!isAllowed) throw new Error("forbidden");
    await navigator.clipboard.writeText(shown.textContent);
    copied = true;
  } catch {
    copied = document.execCommand("copy");
  }
  if (copied) selection.removeAllRanges();
  const said = copied ? "Copied" : "Selected: press Ctrl+C";
  announce(said);
  return said;
}
