import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignetServer } from "@signet/control-plane/api-shapes";
import { servers } from "../page-test/fixtures.ts";
import { compareFacts } from "./server-standing.ts";

const good = servers[0] as SignetServer;
const actual = good.actual as NonNullable<SignetServer["actual"]>;
const differing = (server: SignetServer): readonly string[] => compareFacts(server).filter(({ differs }) => differs).map(({ name, desired, actual: found }) => `${name}: ${desired}, ${found}`);

test("puts each fact beside what was found, and marks those that differ", () => {
  const changed = { ...actual, templateId: "1734c6e8-3154-4dda-ba5f-a874cc483422", templateName: "MicrosoftWindows", generation: 1 } as const;
  assert.deepEqual(differing({ ...good, actual: changed }), ["Template: MicrosoftUEFICertificateAuthority, MicrosoftWindows", "Generation: 2, 1"]);
  assert.deepEqual(differing(good), []);
});

test("a template means nothing while Secure Boot is off", () => {
  const off = { secureBootEnabled: false, templateId: null, templateName: null, generation: 2 } as const;
  assert.deepEqual(differing({ ...good, desired: off }), ["Secure Boot: off, on"]);
});

test("compares nothing before the first read-back", () => {
  assert.deepEqual(compareFacts({ ...good, actual: null }).map(({ differs }) => differs), [null, null, null]);
});
