import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

/**
 * Reporter of `signet test`: a line for each file, the reason of every skip and failure, and the tally for the caller.
 * Suites are not counted; tests are.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  let file = "";
  let inFile = { count: 0, startedAt: Date.now() };
  for await (const event of source) {
    if (event.type === "test:stdout" || event.type === "test:stderr") continue;
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { data } = event;
    if (data.details.type === "suite" || isFileEntry(data)) {
      if (event.type === "test:fail" && isFileEntry(data) && event.data.details.error.cause instanceof Error) yield failure(data.name, event.data.details.error);
      continue;
    }
    const where = relative(process.cwd(), data.file ?? "");
    if (where !== file) {
      if (file !== "") yield `${file}: ${inFile.count} in ${seconds(inFile.startedAt)}\n`;
      file = where;
      inFile = { count: 0, startedAt: Date.now() };
    }
    inFile.count += 1;
    if (event.type === "test:fail") {
      tally.failed += 1;
      yield failure(`${where}: ${data.name}`, event.data.details.error);
    } else if (data.skip !== undefined && data.skip !== false) {
      tally.skipped += 1;
      yield `skipped  ${where}: ${data.name} (${typeof data.skip === "string" ? data.skip : "no reason given"})\n`;
    } else tally.passed += 1;
  }
  if (file !== "") yield `${file}: ${inFile.count} in ${seconds(inFile.startedAt)}\n`;
  const destination = process.env["SIGNET_TEST_TALLY"];
  if (destination !== undefined) writeFileSync(destination, JSON.stringify(tally));
}

/** With a process for each file, node:test wraps the file's tests in an entry named after the file. */
function isFileEntry(data: { readonly name: string; readonly nesting: number; readonly file?: string }): boolean {
  return data.nesting === 0 && data.file !== undefined && data.name.endsWith(".test.ts");
}

function failure(name: string, error: Error): string {
  const cause = error.cause ?? error;
  return `FAILED   ${name}\n${inspect(cause, { depth: 4 }).split("\n").slice(0, 40).map((line) => `         ${line}`).join("\n")}\n`;
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
