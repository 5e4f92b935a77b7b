import assert from "node:assert/strict";
import { test } from "node:test";
import { commonName, formatSize } from "./wording.ts";

test("writes sizes in binary units", () => {
  assert.deepEqual([0, 1023, 1536, 222_298_112, 10 * 1024 ** 3, 1.5 * 1024 ** 4].map(formatSize), ["0 B", "1023 B", "1.5 KiB", "212 MiB", "10 GiB", "1.5 TiB"]);
});

test("takes the common name out of a distinguished name in either order", () => {
  assert.equal(commonName("C=US, O=Microsoft Corporation, CN=Microsoft UEFI CA 2023"), "Microsoft UEFI CA 2023");
  assert.equal(commonName("CN=Microsoft UEFI CA 2023,O=Microsoft Corporation,C=US"), "Microsoft UEFI CA 2023");
  assert.equal(commonName('CN="Example, Inc.",C=DE'), "Example, Inc.");
  assert.equal(commonName("CN=Example\\, Inc.,C=DE"), "Example, Inc.");
  assert.equal(commonName("C=US\nO=Example\nCN=Loader + kernel 1/2"), "Loader + kernel 1/2");
  assert.equal(commonName("Debian Secure Boot CA"), "Debian Secure Boot CA");
});
