// One field after the other: shown, answered, taken back.

import { Ahead } from "./ahead.js";
import { Answered } from "./answered.js";
import { listen } from "./keys.js";
import { notice, noticeRefused } from "./notices.js";
import { byId, newKey, page, pause } from "./page.js";
import { call, post } from "./server.js";
import { Validation } from "./validation.js";

const WORDS = { blank: "blank", illegible: "illegible", struck_out: "struck out" };
const UNDO_TRIES = 40; // of 50 ms each, for answers that are on their way

export class Desk {
  constructor(stage, outbox) {
    this.stage = stage;
    this.outbox = outbox;
    this.answered = new Answered();
    this.ahead = new Ahead(this, outbox);
    this.take(stage.querySelector(".item"));
    listen(stage, this);
    if (this.item && outbox.items.has(this.item.dataset.item)) this.next();
    else this.ahead.fill();
  }

  get field() {
    return byId("value");
  }

  // -- what is shown

  /** Show an item; its digits stand selected, so that typing replaces them. */
  take(item) {
    this.item = item;
    if (!item) return;
    this.validation = new Validation(item);
    this.since = performance.now();
    this.ahead.used();
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
    if (!this.ahead.ready.length) {
      this.stage.innerHTML = '<h1 tabindex="-1">The next field is on its way …</h1>';
      await this.ahead.fill();
    }
    if (this.item) return;
    const ready = this.ahead.take();
    if (ready) this.show(ready.html);
    this.ahead.fill();
  }

  putBack() {
    if (this.item) this.ahead.putBack(this.item.dataset.item, this.stage.innerHTML);
  }

  counted(counts) {
    if (counts) byId("counts").textContent = counts;
  }

  tell(text) {
    if (this.item) this.validation.say(text);
    else notice("refused", text);
  }

  help() {
    const help = byId("help");
    help.showModal();
    help.addEventListener("close", () => this.field?.focus(), { once: true });
  }

  async around() {
    const place = byId("around");
    place.hidden = !place.hidden;
    if (place.hidden || place.firstElementChild) return;
    place.textContent = "Looking for the scan …";
    const { status, said } = await call("GET", `/api/around?${page.query}&item=${this.item.dataset.item}`);
    if (status === 200) place.innerHTML = said.html;
    else place.textContent = said.text ?? "The server cannot be reached.";
  }

  // -- what is answered

  give(value) {
    this.field.value = value;
    this.field.focus();
    this.validation.typed();
  }

  /** Enter: what breaks a rule of the form is asked for once more, and so is an empty field. */
  async save() {
    const { validation } = this;
    const { value } = this.field;
    if (!value) return validation.say("Type what is written, or choose one of the words below.", true);
    const confirmed = validation.asked === value;
    if (!confirmed && (await validation.stops(value))) return;
    if (this.item === validation.item) this.answer("value", value, confirmed);
  }

  answer(verdict, value, confirmed = false) {
    const { item, seen, label } = this.item.dataset;
    const seconds = (performance.now() - this.since) / 1000;
    const body = { id: newKey(), item, verdict, value, seconds, confirmed };
    if (seen) body.seen = Number(seen);
    const told = `${label}: ${value || WORDS[verdict]}`;
    const html = this.stage.innerHTML;
    this.answered.push({ id: body.id, item, value, told });
    this.outbox.add("/api/answers", body, [item], told, (status, said) => this.heard(status, said, { html, body, told }));
    this.next();
  }

  /** What the server made of an answer. */
  heard(status, said, { html, body, told }) {
    this.counted(said.counts);
    if (status < 300) {
      if (said.late) notice("kept", `${told}: somebody else had answered meanwhile. Your answer is in the field's history.`);
      return this.settled();
    }
    this.answered.drop(body.id);
    if (said.problem !== "broken") {
      noticeRefused(said, { url: `?${page.query}`, items: [body.item], told });
      return this.settled();
    }
    // The rules were not known when it was sent: the field comes back to be confirmed.
    this.putBack();
    this.show(html, body.value);
    this.validation.ask(body.value, said.broken);
  }

  /** The last field's answer has arrived: perhaps there is more now. */
  settled() {
    if (!this.item) this.next();
  }

  skip() {
    const { item, label } = this.item.dataset;
    this.outbox.add("/api/skips", { item }, [item], label, () => this.settled());
    this.next();
  }

  async undo() {
    const { last } = this.answered;
    if (!last) return this.tell("There is nothing to undo.");
    for (let tries = 0; this.outbox.kept.size && tries < UNDO_TRIES; tries++) await pause(50);
    if (this.outbox.kept.size) return this.tell("Your answers are still on their way: undo when they have arrived.");
    const { status, said } = await post(`/api/undo?${page.query}`, { id: newKey(), answer: last.id });
    if (status !== 200) return this.tell(said.text ?? "The server cannot be reached: undo again when it can.");
    this.answered.drop(last.id);
    this.ahead.drop(said.item);
    if (this.item?.dataset.item !== said.item) this.putBack();
    this.counted(said.counts);
    this.show(said.html, last.value);
    this.tell(`Taken back: ${last.told}.`);
  }
}
