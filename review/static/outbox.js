// Answers on their way: kept in the browser until the server has them.

import { notice, noticeRefused } from "./notices.js";
import { newKey, page } from "./page.js";
import { post } from "./server.js";

const SLOWEST_MS = 15000;

export class Outbox {
  constructor() {
    this.prefix = `formdigits unsent ${page.person} `;
    this.kept = new Map();
    this.fragile = false;
    this.waits = 0;
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(this.prefix)).sort()) {
      this.kept.set(key, JSON.parse(localStorage.getItem(key)));
    }
    addEventListener("online", () => this.flush());
    addEventListener("beforeunload", (event) => {
      if (this.fragile && this.kept.size) event.preventDefault();
    });
  }

  get items() {
    return new Set([...this.kept.values()].flatMap((entry) => entry.items));
  }

  /** Keep what was decided, then send it; ``done`` hears what the server said. ``told`` is how people call it. */
  add(url, body, items, told, done) {
    const key = `${this.prefix}${Date.now()} ${newKey()}`;
    const entry = { url: `${url}?${page.query}`, body, items, told };
    try {
      localStorage.setItem(key, JSON.stringify(entry));
    } catch {
      this.fragile = true; // a full or forbidden store: leaving the page is then warned of
    }
    this.kept.set(key, { ...entry, done });
    return this.flush();
  }

  async flush() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    try {
      while (this.kept.size && (await this.sendFirst()));
    } finally {
      this.sending = false;
    }
  }

  async sendFirst() {
    const [key, entry] = this.kept.entries().next().value;
    const { status, said } = await post(entry.url, entry.body);
    if (status === 401) return this.signedOut();
    this.kept.delete(key);
    if (status === 0 || status === 429 || status >= 500) {
      this.kept.set(key, entry); // behind the others: one that the server fails on must not hold them up
      return this.again();
    }
    localStorage.removeItem(key);
    this.waits = 0;
    notice("lost", "");
    if (entry.done) entry.done(status, said);
    else if (status >= 300) noticeRefused(said, entry);
    return true;
  }

  again() {
    const count = this.kept.size;
    const answers = count === 1 ? "1 answer is" : `${count} answers are`;
    notice("lost", `The server cannot be reached. ${answers} kept in this browser and will be sent again.`);
    this.timer = setTimeout(() => this.flush(), Math.min(SLOWEST_MS, 500 * 2 ** this.waits++));
    return false;
  }

  signedOut() {
    notice("lost", "You are signed out. Your answers are kept in this browser and will be sent when you have", {
      href: "/sign-in",
      target: "_blank",
      textContent: "signed in again",
    });
    addEventListener("focus", () => this.flush(), { once: true });
    return false;
  }
}
