// The fields that come next: leased to this desk, and here before they are wanted.

import { notice } from "./notices.js";
import { page } from "./page.js";
import { call, post } from "./server.js";

const RENEW_MS = 40000;
const AWAY_MS = 600000; // whoever does nothing for so long has gone: the leases end
const RETRY_MS = 2000;
const MOST_HELD = 50; // that the server lets a desk name

export class Ahead {
  /** ``desk`` shows them: its ``item``, its ``next``, and what it is told by ``counted`` and ``show``. */
  constructor(desk, outbox) {
    this.desk = desk;
    this.outbox = outbox;
    this.ready = [];
    this.used();
    setInterval(() => this.renew(), RENEW_MS);
  }

  /** Somebody sits here. */
  used() {
    this.active = performance.now();
  }

  /** Fields that this page holds: shown, ready, or answered and not yet sent. */
  get held() {
    const shown = this.desk.item ? [this.desk.item.dataset.item] : [];
    return new Set([...shown, ...this.ready.map((one) => one.item), ...this.outbox.items]);
  }

  take() {
    return this.ready.shift();
  }

  putBack(item, html) {
    this.ready.unshift({ item, html });
  }

  drop(item) {
    this.ready = this.ready.filter((one) => one.item !== item);
  }

  /** Hold the next fields ready. The server leases them to this desk, and says so if none is left. */
  async fill() {
    if (this.filling || this.ready.length > 1) return this.filling;
    this.filling = this.fetch();
    try {
      await this.filling;
    } finally {
      this.filling = null;
    }
  }

  async fetch() {
    const held = [...this.held].slice(0, MOST_HELD).join(" ");
    const { status, said } = await call("GET", `/api/items?${page.query}&count=3&held=${held}`);
    if (status === 401) return void this.outbox.signedOut();
    if (status !== 200) return this.fillLater();
    notice("waiting", "");
    this.desk.counted(said.counts);
    const known = this.held;
    this.ready.push(...said.items.filter((one) => !known.has(one.item)));
    if (!this.desk.item && !this.ready.length && said.empty) this.desk.show(said.empty);
  }

  fillLater() {
    if (!this.desk.item) notice("waiting", "The next field comes as soon as the server can be reached.");
    this.retry ??= setTimeout(() => {
      this.retry = null;
      if (this.desk.item) this.fill();
      else this.desk.next();
    }, RETRY_MS);
  }

  renew() {
    if (document.hidden || !this.held.size || performance.now() - this.active > AWAY_MS) return;
    post(`/api/leases?${page.query}`, { items: [...this.held].slice(0, MOST_HELD) });
  }
}
