// What the modules of the review page share. Nothing is loaded from elsewhere.

/** What the server wrote into the page: its session's key, whose it is, and what is reviewed at which desk. */
export const page = document.body.dataset;

export const byId = (id) => document.getElementById(id);

/** A key that nobody else makes. (randomUUID is there on encrypted pages only.) */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");

export const pause = (wait_ms) => new Promise((done) => setTimeout(done, wait_ms));
