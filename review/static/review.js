// What the review page does by itself: it keeps every answer until the server has it, holds the next fields ready, and
// turns keys into answers. Without it there is no reviewing; nothing is loaded from elsewhere.
"use strict";

const page = document.body.dataset;
const byId = (id) => document.getElementById(id);

/** A key that nobody else makes. (randomUUID is there on encrypted pages only.) */
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");

const pause = (wait_ms) => new Promise((done) => setTimeout(done, wait_ms));

// ---- talking to the server

/** An answer of the server, or of the network: ``status`` 0 is a network that is lost. */
async function call(method, url, body, wait_ms = 15000) {
  const headers = { "X-CSRF-Token": page.csrf, Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const signal = AbortSignal.timeout(wait_ms);
  try {
    const answer = await fetch(url, { method, headers, body: JSON.stringify(body), signal, cache: "no-store" });
    return { status: answer.status, said: await answer.json() };
  } catch {
    return { status: 0, said: {} };
  }
}

/** A post by the key of this sign-in, which a restarted server may have changed. */
async function post(url, body) {
  const first = await call("POST", url, body);
  if (first.status !== 403 || first.said.problem !== "csrf") return first;
  const session = await call("GET", "/api/session");
  if (session.status !== 200) return session;
  page.csrf = session.said.csrf;
  return call("POST", url, body);
}

// ---- notices

const NOTICES = {};

/** Say something above the page until it no longer holds; "" takes it back. Screen readers hear it. */
function notice(kind, text, link) {
  NOTICES[kind]?.remove();
  if (!text) return;
  const line = document.createElement("p");
  line.className = `notice ${kind}`;
  line.append(text);
  if (link) {
    const anchor = document.createElement("a");
    Object.assign(anchor, link);
    line.append(" ", anchor);
  }
  NOTICES[kind] = line;
  byId("notices").append(line);
}

// ---- answers on their way: kept in the browser until the server has them

class Outbox {
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
    else late(status, said, entry);
    return true;
  }

  again() {
    const count = this.kept.size;
    const answers = count === 1 ? "1 answer is" : `${count} answers are`;
    notice("lost", `The server cannot be reached. ${answers} kept in this browser and will be sent again.`);
    this.timer = setTimeout(() => this.flush(), Math.min(15000, 500 * 2 ** this.waits++));
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

/** Say of an answer that it was not recorded, and where it can be given again. */
function late(status, said, entry) {
  if (status < 300) return;
  const again = { href: `/review?${new URL(entry.url, location).searchParams}&item=${entry.items[0]}`, textContent: "Answer it again" };
  notice("refused", `${entry.told} was not recorded. ${said.text ?? ""}`, again);
}

// ---- one field after the other

const WORDS = { blank: "blank", illegible: "illegible", struck_out: "struck out" };
const RENEW_MS = 40000;
const AWAY_MS = 600000; // whoever does nothing for so long has gone: the leases end

class Desk {
  constructor(stage, outbox) {
    this.stage = stage;
    this.outbox = outbox;
    this.ahead = [];
    this.answers = new Answers();
    this.take(stage.querySelector(".item"));
    stage.addEventListener("keydown", (event) => this.pressed(event));
    stage.addEventListener("click", (event) => this.clicked(event));
    byId("before").addEventListener("click", (event) => this.clicked(event));
    stage.addEventListener("input", () => this.typed());
    stage.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    setInterval(() => this.renew(), RENEW_MS);
    if (this.item && outbox.items.has(this.item.dataset.item)) this.next();
    else this.fill();
  }

  get field() {
    return byId("value");
  }

  /** Fields that this page holds: shown, ready, or answered and not yet sent. */
  get held() {
    const shown = this.item ? [this.item.dataset.item] : [];
    return new Set([...shown, ...this.ahead.map((one) => one.item), ...this.outbox.items]);
  }

  /** Show an item; its digits stand selected, so that typing replaces them. */
  take(item) {
    this.item = item;
    this.asked = null;
    if (!item) return;
    this.checked = { value: item.dataset.guess, broken: JSON.parse(item.dataset.broken) };
    this.since = this.active = performance.now();
    this.field.focus();
    this.field.select();
  }

  show(html, draft) {
    this.stage.innerHTML = html;
    const item = this.stage.querySelector(".item");
    if (item && draft !== undefined) this.field.value = draft;
    this.take(item);
    if (!item) this.stage.querySelector("h1").focus();
  }

  /** Go on to the next field, which is mostly here already. */
  async next() {
    this.item = null;
    if (!this.ahead.length) {
      this.stage.innerHTML = '<h1 tabindex="-1">The next field is on its way …</h1>';
      await this.fill();
    }
    if (this.item) return;
    const ready = this.ahead.shift();
    if (ready) this.show(ready.html);
    this.fill();
  }

  /** Hold the next fields ready. The server leases them to this desk, and says so if none is left. */
  async fill() {
    if (this.filling || this.ahead.length > 1) return this.filling;
    this.filling = this.fetchAhead();
    try {
      await this.filling;
    } finally {
      this.filling = null;
    }
  }

  async fetchAhead() {
    const held = [...this.held].slice(0, 50).join(" ");
    const { status, said } = await call("GET", `/api/items?${page.query}&count=3&held=${held}`);
    if (status === 401) return void this.outbox.signedOut();
    if (status !== 200) return this.waitForServer();
    notice("waiting", "");
    this.counted(said.counts);
    const known = this.held;
    this.ahead.push(...said.items.filter((one) => !known.has(one.item)));
    if (!this.item && !this.ahead.length && said.empty) this.show(said.empty);
  }

  waitForServer() {
    if (!this.item) notice("waiting", "The next field comes as soon as the server can be reached.");
    this.retry ??= setTimeout(() => {
      this.retry = null;
      if (this.item) this.fill();
      else this.next();
    }, 2000);
  }

  renew() {
    if (document.hidden || !this.held.size || performance.now() - this.active > AWAY_MS) return;
    post(`/api/leases?${page.query}`, { items: [...this.held].slice(0, 50) });
  }

  counted(counts) {
    if (counts) byId("counts").textContent = counts;
  }

  // -- keys and buttons

  pressed(event) {
    this.active = performance.now();
    if (event.target !== this.field || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Tab" && !event.shiftKey) return this.toDoubtful(event);
    if (event.key.length !== 1 || /[0-9]/.test(event.key)) return; // digits, Enter and Backspace do what they always do
    event.preventDefault();
    const key = event.key === "?" ? "h" : event.key.toLowerCase();
    this.stage.querySelector(`button[data-key="${CSS.escape(key)}"]`)?.click();
  }

  /** Tab goes to the doubtful digit first; from there, as everywhere, to the next thing on the page. */
  toDoubtful(event) {
    const { doubtful, guess } = this.item.dataset;
    const at = Number(doubtful);
    const there = this.field.selectionStart === at && this.field.selectionEnd === at + 1;
    if (doubtful === "" || there || this.field.value !== guess) return;
    event.preventDefault();
    this.field.setSelectionRange(at, at + 1);
  }

  clicked(event) {
    const button = event.target.closest("button[data-does]");
    if (!button) return;
    const { does, value } = button.dataset;
    if (does === "outcome") this.answer(value, "");
    else this[does](value);
  }

  give(value) {
    this.field.value = value;
    this.field.focus();
    this.typed();
  }

  help() {
    const help = byId("help");
    help.showModal();
    help.addEventListener("close", () => this.field?.focus(), { once: true });
  }

  // -- validation as one types

  typed() {
    const cleaned = this.field.value.replace(/[^0-9]/g, "");
    if (cleaned !== this.field.value) this.field.value = cleaned;
    this.asked = null;
    this.say("");
    clearTimeout(this.pause);
    if (cleaned.length >= Number(this.item.dataset.least)) this.pause = setTimeout(() => this.check(), 120);
  }

  /** Ask the server which rules the value breaks; where it cannot be asked, it says so when the answer arrives. */
  async check() {
    const item = this.item;
    const value = this.field.value;
    if (this.checked.value !== value) {
      const asked = `item=${item.dataset.item}&value=${value}`;
      const { status, said } = await call("GET", `/api/check?${page.query}&${asked}`, undefined, 1500);
      if (status !== 200 || item !== this.item || value !== this.field.value) return;
      this.checked = { value, broken: said.broken };
    }
    if (!this.asked) this.say(this.checked.broken.join(" "));
  }

  say(text, stops = false) {
    const line = byId("problem");
    line.textContent = text;
    line.classList.toggle("stop", stops);
    this.field.setAttribute("aria-invalid", String(stops));
  }

  // -- answers

  /** Enter: what breaks a rule of the form is asked for once more, and so is an empty field. */
  async save() {
    const value = this.field.value;
    if (!value) return this.say("Type what is written, or choose one of the words below.", true);
    const confirmed = this.asked === value;
    if (!confirmed) {
      clearTimeout(this.pause);
      const item = this.item;
      await this.check();
      if (item !== this.item) return;
      if (this.checked.value === value && this.checked.broken.length) return this.ask(value, this.checked.broken);
    }
    this.answer("value", value, confirmed);
  }

  ask(value, broken) {
    this.asked = value;
    this.say(`${broken.join(" ")} Press Enter again if it is written so.`, true);
  }

  answer(verdict, value, confirmed = false) {
    const { item, seen, label } = this.item.dataset;
    const seconds = (performance.now() - this.since) / 1000;
    const body = { id: newKey(), item, verdict, value, seconds, confirmed };
    if (seen) body.seen = Number(seen);
    const told = `${label}: ${value || WORDS[verdict]}`;
    const html = this.stage.innerHTML;
    this.answers.push({ id: body.id, item, value, told });
    this.outbox.add("/api/answers", body, [item], told, (status, said) => this.answered(status, said, html, body, told));
    this.next();
  }

  answered(status, said, html, body, told) {
    this.counted(said.counts);
    if (status < 300) {
      if (said.late) notice("kept", `${told}: somebody else had answered meanwhile. Your answer is in the field's history.`);
      return this.settled();
    }
    this.answers.drop(body.id);
    if (said.problem !== "broken") {
      late(status, said, { url: `?${page.query}`, items: [body.item], told });
      return this.settled();
    }
    // The rules were not known when it was sent: the field comes back to be confirmed.
    this.putBack();
    this.show(html, body.value);
    this.checked = { value: body.value, broken: said.broken };
    this.ask(body.value, said.broken);
  }

  /** The last field's answer has arrived: perhaps there is more now. */
  settled() {
    if (!this.item) this.next();
  }

  putBack() {
    if (this.item) this.ahead.unshift({ item: this.item.dataset.item, html: this.stage.innerHTML });
  }

  skip() {
    const { item, label } = this.item.dataset;
    this.outbox.add("/api/skips", { item }, [item], label, () => this.settled());
    this.next();
  }

  async undo() {
    const last = this.answers.last;
    if (!last) return this.tell("There is nothing to undo.");
    for (let tries = 0; this.outbox.kept.size && tries < 40; tries++) await pause(50);
    if (this.outbox.kept.size) return this.tell("Your answers are still on their way: undo when they have arrived.");
    const { status, said } = await post(`/api/undo?${page.query}`, { id: newKey(), answer: last.id });
    if (status !== 200) return this.tell(said.text ?? "The server cannot be reached: nothing was undone.");
    this.answers.drop(last.id);
    this.ahead = this.ahead.filter((one) => one.item !== said.item);
    if (this.item?.dataset.item !== said.item) this.putBack();
    this.counted(said.counts);
    this.show(said.html, last.value);
    this.tell(`Taken back: ${last.told}.`);
  }

  tell(text) {
    if (this.item) this.say(text);
    else notice("refused", text);
  }

  async around() {
    const place = byId("around");
    place.hidden = !place.hidden;
    if (place.hidden || place.firstElementChild) return;
    const item = this.item;
    place.textContent = "Looking for the scan …";
    const { status, said } = await call("GET", `/api/around?${page.query}&item=${item.dataset.item}`);
    if (item !== this.item) return;
    if (status === 200) place.innerHTML = said.html;
    else place.textContent = said.text ?? "The server cannot be reached.";
  }
}

/** What was answered at this desk, the newest last: it outlives a reload, so that it can still be undone. */
class Answers {
  constructor() {
    this.key = `formdigits answered ${page.person} ${page.query}`;
    this.all = JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
    this.tell();
  }

  get last() {
    return this.all.at(-1);
  }

  push(answer) {
    this.keep([...this.all.slice(-49), answer]);
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

// ---- fields that all read the same

class Carpet {
  constructor(stage, outbox) {
    this.stage = stage;
    this.outbox = outbox;
    this.since = performance.now();
    stage.addEventListener("click", (event) => this.clicked(event));
    stage.addEventListener("keydown", (event) => this.pressed(event));
    stage.querySelector("[data-item]").focus();
    this.counted();
  }

  get crops() {
    return [...this.stage.querySelectorAll("[data-item]")];
  }

  clicked(event) {
    const crop = event.target.closest("[data-item]");
    if (crop) this.toggle(crop);
    else if (event.target.closest("[data-does='confirm']")) this.confirm();
  }

  toggle(crop) {
    crop.setAttribute("aria-pressed", String(crop.getAttribute("aria-pressed") !== "true"));
    this.counted();
  }

  counted() {
    const odd = this.crops.filter((one) => one.getAttribute("aria-pressed") === "true").length;
    byId("odd").textContent = odd ? `${odd} marked as different.` : "None is marked as different.";
  }

  /** Arrows go from crop to crop, space marks, Enter confirms the rest. */
  pressed(event) {
    const crops = this.crops;
    const at = crops.indexOf(event.target.closest("[data-item]"));
    if (at < 0) return;
    const columns = crops.filter((one) => one.offsetTop === crops[0].offsetTop).length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step === undefined && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Enter") this.confirm();
    else crops[at + step]?.focus();
  }

  confirm() {
    if (this.sent) return;
    this.sent = true;
    const crops = this.crops;
    const seconds = (performance.now() - this.since) / 1000 / crops.length;
    const items = crops.map((crop) => ({
      id: newKey(),
      item: crop.dataset.item,
      odd: crop.getAttribute("aria-pressed") === "true",
    }));
    const { value } = this.stage.dataset;
    const keys = items.map((one) => one.item);
    this.outbox.add("/api/carpets", { value, seconds, items }, keys, `A carpet of ${value}`, (status, said) => {
      if (status >= 300) late(status, said, { url: `?${page.query}`, items: keys, told: `The carpet of ${value}` });
      else if (said.odd) location.assign(`/review?${page.query}`);
      else location.reload();
    });
  }
}

// ---- begin

const outbox = new Outbox();
outbox.flush();
if (byId("desk")) new Desk(byId("desk"), outbox);
if (byId("carpet")) new Carpet(byId("carpet"), outbox);
