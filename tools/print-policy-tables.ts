/** Writes docs/policy.md from the policy tables. Run it after a table has changed; a test compares the two. */
import { writeFile } from "node:fs/promises";
import { printPolicyTables } from "@signet/secure-boot/policy";

await writeFile(new URL("../docs/policy.md", import.meta.url), printPolicyTables());
