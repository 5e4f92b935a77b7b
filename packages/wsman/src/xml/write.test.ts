import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readXml } from "./read.ts";
import { element, textElement } from "./write.ts";

test("what is written is read back, whatever text it is", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, value) => {
    const back = readXml(textElement("a", text, { x: value }));
    const clean = (raw: string) => raw.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
    assert.equal(back.text, clean(text));
    assert.equal(back.attributes[0]?.value, clean(value));
  }));
});

test("text cannot end its element", () => {
  assert.equal(textElement("a", "</a><b>&\"']]>\r"), "<a>&lt;/a&gt;&lt;b&gt;&amp;\"']]&gt;&#xD;</a>");
  assert.equal(textElement("a", "", { x: '"<&\n\t\r' }), '<a x="&quot;&lt;&amp;&#xA;&#x9;&#xD;"/>');
  assert.equal(element("a", {}, "<b/>"), "<a><b/></a>");
});
