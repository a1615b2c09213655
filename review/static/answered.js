// What was answered at this desk, the newest last: it outlives a reload, so that it can still be undone.

import { byId, page } from "./page.js";

const MOST = 50;

export class Answered {
  constructor() {
    this.key = `formdigits answered ${page.person} ${page.query}`;
    this.all = JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
    this.tell();
  }

  get last() {
    return this.all.at(-1);
  }

  push(answer) {
    this.keep([...this.all, answer].slice(-MOST));
  }

  drop(id) {
    this.keep(this.all.filter((one) => one.id !== id));
  }

  keep(all) {
    this.all = all;
    sessionStorage.setItem(this.key, JSON.stringify(all));
    this.tell();
  }

  tell() {
    const line = byId("before");
    line.hidden = !this.last;
    if (!this.last) return;
    byId("before-told").textContent = this.last.told;
    byId("before-history").href = `/field?item=${this.last.item}`;
  }
}
