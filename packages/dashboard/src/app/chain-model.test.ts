import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChainStage, ImageReport, TrustVerdict } from "@signet/secure-boot";
import { images, verdicts } from "../page-test/fixtures.ts";
import { modelChain } from "./chain-model.ts";

const report = verdicts[images[0]?.id ?? ""]?.report as ImageReport;
const verdict = (fields: Partial<TrustVerdict>): TrustVerdict => ({ trust: "T", outcome: "refused", stage: "loader", firmwareMessage: null, because: [], remedies: [], serviceable: null, survivesNextRevocation: null, ...fields });
const reaches = (fields: Partial<TrustVerdict>): readonly string[] => modelChain(report, verdict(fields)).stages.map(({ reach }) => reach);

test("starts every stage of a chain that boots and breaks nowhere", () => {
  assert.deepEqual(reaches({ outcome: "boots", stage: null }), ["started", "started", "started"]);
  assert.equal(modelChain(report, verdict({ outcome: "boots", stage: null })).break, null);
});

test("stops at the stage of the verdict and never reaches what follows", () => {
  assert.deepEqual(reaches({ stage: "second" }), ["started", "stops", "not reached"]);
  assert.deepEqual(modelChain(report, verdict({ stage: "second", firmwareMessage: "Security Violation" })).break, { at: 1, words: "Refused here: Security Violation" });
});

test("breaks after the last stage when the stage of the verdict was not found", () => {
  const short: ImageReport = { ...report, chain: report.chain.slice(0, 1) };
  const model = modelChain(short, verdict({ outcome: "unbootable", stage: "second" }));
  assert.deepEqual(model.break, { at: 1, words: "The boot ends here" });
  assert.deepEqual(model.stages.map(({ reach }) => reach), ["started"]);
});

test("claims nothing about what follows an unknown", () => {
  assert.deepEqual(reaches({ outcome: "unknown", stage: "second" }), ["started", "unknown", "unknown"]);
});

test("draws a certificate once, with everybody who signed under it", () => {
  const { certificates, stages } = modelChain(report, undefined);
  assert.deepEqual(certificates.map(({ name, signers }) => [name, signers.length]), [["Microsoft Corporation UEFI CA 2011", 1], ["Microsoft UEFI CA 2023", 1], ["Debian Secure Boot CA", 2]]);
  assert.deepEqual(stages.map(({ certificateKeys }) => certificateKeys.length), [2, 1, 1]);
});

test("tells authorities apart of which only the name is known", () => {
  const named = (subject: string): ChainStage["signatures"][number] => ({ digest: "sha256", signer: null, authority: { subject, sha256: "" } });
  const chain = [{ ...(report.chain[0] as ChainStage), signatures: [named("CN=One"), named("CN=Two"), { digest: "unknown", signer: null, authority: null }] }];
  assert.deepEqual(modelChain({ ...report, chain }, undefined).certificates.map(({ name }) => name), ["One", "Two", "a signer that the signature does not name"]);
});
