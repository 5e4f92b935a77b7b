import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { renderErrorCatalogue } from "./error-catalogue.ts";

test("docs/errors.md says what the catalogue says", () => {
  const written = readFileSync(fileURLToPath(new URL("../docs/errors.md", import.meta.url)), "utf8");
  assert.equal(written, renderErrorCatalogue(), "write it anew: node tools/write-error-catalogue.ts");
});
