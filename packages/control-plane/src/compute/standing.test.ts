import assert from "node:assert/strict";
import { test } from "node:test";
import { type StandingFacts, standingOf } from "./standing.ts";

const good: StandingFacts = { wantsSecureBoot: true, hasMachine: true, drift: [], firmwareOutcome: "accepted" };

test("a machine is enforced only when Secure Boot is on, read back as asked, and firmware has not refused the loader", () => {
  assert.equal(standingOf(good), "enforced");
  assert.equal(standingOf({ ...good, firmwareOutcome: null }), "enforced");
  assert.equal(standingOf({ ...good, drift: null }), "switched-on");
  assert.equal(standingOf({ ...good, firmwareOutcome: "refused" }), "refused");
});

test("drift comes before everything else, also where nobody asked for Secure Boot", () => {
  const drift = ["Secure Boot shall be off and is on"];
  assert.equal(standingOf({ ...good, drift, firmwareOutcome: "refused" }), "drift");
  assert.equal(standingOf({ ...good, wantsSecureBoot: false, drift }), "drift");
  assert.equal(standingOf({ ...good, wantsSecureBoot: false }), "off");
});

test("where there is no machine nothing is switched on", () => {
  assert.equal(standingOf({ ...good, hasMachine: false, drift: null, firmwareOutcome: null }), "no-machine");
});
