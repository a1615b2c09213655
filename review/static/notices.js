// Lines above the page. Screen readers hear them.

import { byId } from "./page.js";

const SHOWN = {};

/** Say something of a kind until it no longer holds; "" takes it back. */
export function notice(kind, text, link) {
  SHOWN[kind]?.remove();
  if (!text) return;
  const line = document.createElement("p");
  line.className = `notice ${kind}`;
  line.append(text);
  if (link) {
    const anchor = document.createElement("a");
    Object.assign(anchor, link);
    line.append(" ", anchor);
  }
  SHOWN[kind] = line;
  byId("notices").append(line);
}

/** Say of an answer that it was not recorded, and where it can be given again. */
export function noticeRefused(said, { url, items, told }) {
  const { searchParams } = new URL(url, location);
  const again = { href: `/review?${searchParams}&item=${items[0]}`, textContent: "Answer it again" };
  notice("refused", `${told} was not recorded. ${said.text ?? ""}`, again);
}
