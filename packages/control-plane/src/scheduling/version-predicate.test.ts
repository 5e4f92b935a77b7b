import assert from "node:assert/strict";
import { test } from "node:test";
import { hypervisorVersionOf, parseVersionPredicate, satisfies, versionText } from "./version-predicate.ts";

const holds = (predicate: string, version: number): boolean => satisfies(parseVersionPredicate(predicate)!, version);

test("accepts what distutils accepts", () => {
  for (const text of [">=6.3", ">= 6.3", "<10.0, >=6.3", "==6.3.0", "!=10.0", ">6.3a1", " >=6.3 "]) assert.notEqual(parseVersionPredicate(text), null, text);
});

test("refuses what distutils refuses", () => {
  for (const text of ["6.3", "=6.3", "~=6.3", ">=6", ">=10", ">=6.3 <10", "", ">=", ">=6.3,", ">=six.three", ">=1.2.3.4"]) assert.equal(parseVersionPredicate(text), null, text);
});

test("reads integers by groups of base 1000", () => {
  assert.deepEqual([6002, 6003, 10000, 1000, 0].map(versionText), ["6.2", "6.3", "10.0", "1.0", ""]);
});

test("makes Nova's integer of the operating system's version", () => {
  assert.deepEqual(["6.3.9600", "10.0.20348", "", "vista"].map(hypervisorVersionOf), [6003, 10000, 0, 0]);
});

test("compares by number, not by text", () => {
  assert.equal(holds(">=6.3", 10000), true);
  assert.equal(holds(">=10.0", 6003), false);
  assert.equal(holds("<10.0, >=6.3", 6003), true);
  assert.equal(holds("<10.0, >=6.3", 10000), false);
  assert.equal(holds("==6.3.0", 6003), true);
  assert.equal(holds("!=6.3", 6003), false);
});

test("takes a prerelease for older than its release", () => {
  assert.equal(holds(">10.0a1", 10000), true);
  assert.equal(holds("<=10.0b2", 10000), false);
});
