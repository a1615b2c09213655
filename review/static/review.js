// What the review page does by itself: it keeps every answer until the server has it, holds the next fields ready, and
// turns keys into answers. Without it there is no reviewing; nothing is loaded from elsewhere.

import { Carpet } from "./carpet.js";
import { Desk } from "./desk.js";
import { Outbox } from "./outbox.js";
import { byId } from "./page.js";

const outbox = new Outbox();
outbox.flush();
if (byId("desk")) new Desk(byId("desk"), outbox);
if (byId("carpet")) new Carpet(byId("carpet"), outbox);
