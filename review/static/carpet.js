// Fields that all read the same.

import { noticeRefused } from "./notices.js";
import { byId, newKey, page } from "./page.js";

export class Carpet {
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
      if (status >= 300) noticeRefused(said, { url: `?${page.query}`, items: keys, told: `The carpet of ${value}` });
      else if (said.odd) location.assign(`/review?${page.query}`);
      else location.reload();
    });
  }
}
