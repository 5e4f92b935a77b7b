import assert from "node:assert/strict";
import { test } from "node:test";
import { trustByName } from "@signet/secure-boot/trust";
import { plainStyle } from "../inspect/style.ts";
import { describeTrust } from "./describe-trust.ts";
import { readTrust } from "./read-trust.ts";
import { compareTrusts, renderDifference, renderList, renderTrust } from "./render-trust.ts";

const now = new Date("2026-11-25T00:00:00Z");
const described = (name: string) => describeTrust(trustByName(name) ?? assert.fail(name));

test("the list names every template with what it trusts, and says where nothing is published", () => {
  const text = renderList(plainStyle, now);
  assert.match(text, /MicrosoftUEFICertificateAuthority {2}272e7447-90a4-4563-a4b9-8e4ab00526ce\n {6}trusts {3}Microsoft Corporation UEFI CA 2011 · Microsoft UEFI CA 2023/);
  assert.match(text, /OpenSourceShieldedVM .*\n {6}what it trusts has not been published/);
  assert.match(text, /2026-06-10 {3}443 programs/);
});

test("an authority whose time has ended is marked in words", () => {
  const text = renderTrust(described("MicrosoftWindows"), plainStyle, now);
  assert.match(text, /Microsoft Windows Production PCA 2011 {2}ended 2026-10-19: signs nothing new/);
  assert.match(text, /Windows UEFI CA 2023 {2}until 2035-06-13/);
});

test("two days of one template differ by what Microsoft listed between them, and by nothing else", () => {
  const { added, removed } = compareTrusts(described("MicrosoftWindows@2025-06-10"), described("MicrosoftWindows@2026-06-10"));
  assert.deepEqual([added.length, removed.length], [13, 0]);
  assert.ok(added.every(({ variable, date }) => variable === "dbx" && date !== null && date > "2025-06-10"));
  assert.match(renderDifference(described("MicrosoftWindows"), described("MicrosoftWindows"), plainStyle, now), /trust and revoke the same/);
});

test("a name that is neither a template nor a file is refused with the names that there are", async () => {
  await assert.rejects(readTrust("NoSuchTemplate", "--trust"), /--trust NoSuchTemplate is neither a template nor a file\. Templates are: MicrosoftWindows/);
});
