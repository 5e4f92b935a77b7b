import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignetServer } from "@signet/control-plane/api-shapes";
import { servers } from "../page-test/fixtures.ts";
import { describeDrift, standingOf } from "./server-standing.ts";

const good = servers[0] as SignetServer;
const actual = good.actual as NonNullable<SignetServer["actual"]>;

test("calls a machine enforced only when it is on, read back as asked, and not refused", () => {
  assert.equal(standingOf(good), "enforced");
  assert.equal(standingOf({ ...good, actual: null, matches: null }), "switched-on");
  assert.equal(standingOf({ ...good, firmware: { outcome: "refused", line: null, heartbeat: null, observedAt: actual.readAt } }), "refused");
  assert.equal(standingOf({ ...good, matches: false }), "drift");
});

test("puts drift before everything else, and Secure Boot that nobody asked for is drift too", () => {
  const off = { secureBootEnabled: false, templateId: null, templateName: null, generation: 2 } as const;
  assert.equal(standingOf({ ...good, desired: off, matches: false }), "drift");
  assert.deepEqual(describeDrift({ ...good, desired: off, matches: false }), ["Secure Boot is on on the host; off was asked for."]);
  assert.equal(standingOf({ ...good, desired: off, actual: { ...actual, ...off }, matches: true }), "off");
});

test("switches nothing on where there is no machine", () => {
  assert.equal(standingOf({ ...good, machineGuid: null, actual: null, matches: null }), "no-machine");
});

test("names a changed template and generation by what was asked and what was found", () => {
  const changed = { ...actual, templateId: "1734c6e8-3154-4dda-ba5f-a874cc483422", templateName: "MicrosoftWindows", generation: 1 } as const;
  assert.deepEqual(describeDrift({ ...good, actual: changed, matches: false }), [
    "Template is MicrosoftWindows on the host; MicrosoftUEFICertificateAuthority was asked for.",
    "Generation is 1 on the host; 2 was asked for.",
  ]);
});

test("never leaves a mismatch without a sentence, even when the facts shown agree", () => {
  assert.deepEqual(describeDrift({ ...good, matches: false }), ["The host's read-back differs from what was asked for."]);
  assert.deepEqual(describeDrift(good), []);
});
