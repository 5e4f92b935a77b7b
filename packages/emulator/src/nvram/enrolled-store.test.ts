import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { readVariableStore, VariableStoreError, writeVariables } from "@signet/secure-boot/trust";
import { enrolledStore } from "./enrolled-store.ts";

const emptyStore = "/usr/share/OVMF/OVMF_VARS_4M.fd";
const enrolledByDebian = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";

test("reads the keys of the distribution's enrolled store", async () => {
  const variables = readVariableStore(await readFile(enrolledByDebian));
  const sizes = Object.fromEntries(variables.map(({ name, data }) => [name, data.length]));
  assert.ok((sizes["db"] ?? 0) > 3000 && (sizes["KEK"] ?? 0) > 1000 && (sizes["PK"] ?? 0) > 500, JSON.stringify(sizes));
  const pk = variables.find(({ name }) => name === "PK");
  assert.equal(pk?.attributes, 0x27);
  assert.equal(pk?.vendor, "8be4df61-93ca-11d2-aa0d-00e098032b8c");
});

test("what is written is read back, byte for byte", async () => {
  const trust = { PK: Uint8Array.of(1), KEK: Uint8Array.of(2, 2), db: Uint8Array.of(3, 3, 3), dbx: new Uint8Array(5001).fill(4), dbt: null };
  const store = enrolledStore(await readFile(emptyStore), trust, false);
  const variables = readVariableStore(store);
  assert.deepEqual(variables.map(({ name }) => name), ["PK", "KEK", "db", "dbx", "SecureBootEnable"]);
  assert.deepEqual(variables[3]?.data, trust.dbx);
  assert.deepEqual(variables[0]?.timestamp, new Date(Date.UTC(2010, 0, 1)));
  assert.deepEqual(variables[4]?.data, Uint8Array.of(0));
});

test("an instance that is being replaced counts only without its successor", async () => {
  const one = (data: number) => ({ name: "X", vendor: "f0a30bc7-af08-4556-99c4-001009c93a44", attributes: 3, timestamp: null, data: Uint8Array.of(data) });
  const store = writeVariables(await readFile(emptyStore), [one(1), one(2)]);
  store[0x64 + 2] = 0x3e;
  assert.deepEqual(readVariableStore(store).map(({ data }) => data[0]), [2]);
  store[0x64 + 68 + 2] = 0x3c;
  assert.deepEqual(readVariableStore(store).map(({ data }) => data[0]), [1]);
});

test("refuses keys that do not fit, and a file that is no store", async () => {
  const empty = await readFile(emptyStore);
  assert.throws(() => enrolledStore(empty, { db: new Uint8Array(300_000) }, true), /db \(300000 bytes\) does not fit/);
  assert.throws(() => readVariableStore(new Uint8Array(4096)), VariableStoreError);
});
