// Keys and buttons -> what a desk is asked to do.

import { byId } from "./page.js";

/** Let ``desk`` hear what is pressed, clicked and typed in ``stage``, and its buttons elsewhere. */
export function listen(stage, desk) {
  stage.addEventListener("keydown", (event) => pressed(event, desk));
  stage.addEventListener("click", (event) => clicked(event, desk));
  byId("before").addEventListener("click", (event) => clicked(event, desk));
  stage.addEventListener("input", () => desk.validation.typed());
  stage.addEventListener("submit", (event) => {
    event.preventDefault();
    desk.save();
  });
}

function pressed(event, desk) {
  desk.ahead.used();
  if (event.target !== desk.field || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Tab" && !event.shiftKey) return toDoubtful(event, desk.item.dataset);
  if (event.key.length !== 1 || /[0-9]/.test(event.key)) return; // digits, Enter and Backspace do what they always do
  event.preventDefault();
  const key = event.key === "?" ? "h" : event.key.toLowerCase();
  desk.stage.querySelector(`button[data-key="${CSS.escape(key)}"]`)?.click();
}

/** Tab goes to the doubtful digit first; from there, as everywhere, to the next thing on the page. */
function toDoubtful(event, { doubtful, guess }) {
  const field = event.target;
  const at = Number(doubtful);
  const there = field.selectionStart === at && field.selectionEnd === at + 1;
  if (doubtful === "" || there || field.value !== guess) return;
  event.preventDefault();
  field.setSelectionRange(at, at + 1);
}

function clicked(event, desk) {
  const button = event.target.closest("button[data-does]");
  if (!button) return;
  const { does, value } = button.dataset;
  if (does === "outcome") desk.answer(value, "");
  else desk[does](value);
}
