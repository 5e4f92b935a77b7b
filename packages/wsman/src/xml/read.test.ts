import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, child, children, childText, readXml, XmlError, xmlDepthMax, xmlElementsMax } from "./read.ts";

test("resolves namespaces, keeps white space, and joins text with CDATA", () => {
  const root = readXml('\ufeff<?xml version="1.0" encoding="UTF-16"?><!-- hello --><a:r xmlns:a="urn:a" xmlns="urn:b" a:x="1" x="2"> one<![CDATA[ <two> & ]]>&#x33;&amp;<c/><a:c>t </a:c></a:r>');
  assert.deepEqual([root.local, root.namespace, root.text], ["r", "urn:a", " one <two> & 3&"]);
  assert.deepEqual([attribute(root, "x", "urn:a"), attribute(root, "x"), attribute(root, "y")], ["1", "2", undefined]);
  assert.deepEqual([child(root, "urn:b", "c")?.text, childText(root, "urn:a", "c"), children(root, "urn:a", "c").length, child(root, "", "c")], ["", "t", 1, undefined]);
  assert.deepEqual([child(undefined, "", "c"), children(undefined, "", "c"), childText(root, "urn:a", "missing")], [undefined, [], undefined]);
});

test("refuses what SOAP forbids and what could expand", () => {
  const hostile: [string, RegExp][] = [
    ['<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', /document type/],
    ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /document type/],
    ['<a><?php system("id") ?></a>', /processing instruction/],
    ['<?xml-stylesheet href="x"?><a/>', /processing instruction/],
    ["<a>&nbsp;</a>", /well-formed/],
    ["<a>&#0;</a>", /well-formed/],
    ["<a>\u0001</a>", /well-formed/],
    ["<a><b></a></b>", /well-formed/],
    ["<a", /well-formed/],
    ["<a/><b/>", /well-formed/],
    ["text", /well-formed/],
    ["", /well-formed|empty/],
    ['<a x="1" x="2"/>', /well-formed/],
    ['<p:a xmlns:q="urn:x"/>', /well-formed/],
    ['<a xmlns:p="urn:x" xmlns:q="urn:x" p:x="" q:x=""/>', /well-formed/],
  ];
  for (const [text, message] of hostile) assert.throws(() => readXml(text), (error: unknown) => error instanceof XmlError && message.test(error.message), text);
});

test("bounds depth, number and size", () => {
  const nested = (levels: number) => "<a>".repeat(levels) + "</a>".repeat(levels);
  assert.equal(readXml(nested(xmlDepthMax)).local, "a");
  assert.throws(() => readXml(nested(xmlDepthMax + 1)), /nest deeper/);
  assert.throws(() => readXml(`<a>${"<b/>".repeat(xmlElementsMax)}</a>`), /More than/);
  assert.throws(() => readXml(`<a>${" ".repeat(17 * 1024 * 1024)}</a>`), /characters/);
});

test("a document at the limits is read in reasonable time", () => {
  const beganMs = Date.now();
  assert.equal(readXml(`<a>${"<b>x</b>".repeat(100_000)}</a>`).children.length, 100_000);
  assert.equal(readXml(`<a>${"&lt;".repeat(1_000_000)}</a>`).text.length, 1_000_000);
  assert.ok(Date.now() - beganMs < 5000);
});
