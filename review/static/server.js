// Talking to the server.

import { page } from "./page.js";

/** An answer of the server, or of the network: ``status`` 0 is a network that is lost. */
export async function call(method, url, body, wait_ms = 15000) {
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
export async function post(url, body) {
  const first = await call("POST", url, body);
  if (first.status !== 403 || first.said.problem !== "csrf") return first;
  const session = await call("GET", "/api/session");
  if (session.status !== 200) return session;
  page.csrf = session.said.csrf;
  return call("POST", url, body);
}
