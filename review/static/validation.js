// What the rules of its field say of a value, as one types it and before it is saved.

import { page } from "./page.js";
import { call } from "./server.js";

const REST_MS = 120; // after the last key

export class Validation {
  constructor(item) {
    this.item = item;
    this.field = item.querySelector("#value");
    this.line = item.querySelector("#problem");
    this.asked = null;
    this.checked = { value: item.dataset.guess, broken: JSON.parse(item.dataset.broken) };
  }

  typed() {
    const cleaned = this.field.value.replace(/[^0-9]/g, "");
    if (cleaned !== this.field.value) this.field.value = cleaned;
    this.asked = null;
    this.say("");
    clearTimeout(this.timer);
    if (cleaned.length >= Number(this.item.dataset.least)) this.timer = setTimeout(() => this.check(), REST_MS);
  }

  /** Ask the server which rules the value breaks; where it cannot be asked, it says so when the answer arrives. */
  async check() {
    const { value } = this.field;
    if (this.checked.value !== value) {
      const asked = `item=${this.item.dataset.item}&value=${value}`;
      const { status, said } = await call("GET", `/api/check?${page.query}&${asked}`, undefined, 1500);
      if (status !== 200 || value !== this.field.value) return;
      this.checked = { value, broken: said.broken };
    }
    if (!this.asked) this.say(this.checked.broken.join(" "));
  }

  /** Whether ``value`` breaks a rule as far as is known; then it is asked for once more. */
  async stops(value) {
    clearTimeout(this.timer);
    await this.check();
    const { broken } = this.checked;
    if (this.checked.value !== value || !broken.length) return false;
    this.ask(value, broken);
    return true;
  }

  ask(value, broken) {
    this.checked = { value, broken };
    this.asked = value;
    this.say(`${broken.join(" ")} Press Enter again if it is written so.`, true);
  }

  say(text, stops = false) {
    this.line.textContent = text;
    this.line.classList.toggle("stop", stops);
    this.field.setAttribute("aria-invalid", String(stops));
  }
}
