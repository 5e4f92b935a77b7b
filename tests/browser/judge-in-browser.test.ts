import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildGuestImage, tamper } from "@signet/cli/guest-image";
import { inspectFile } from "@signet/cli/inspect-file";
import { serveDashboard } from "@signet/dashboard";
import { type Browser, chromium, type Page } from "playwright-core";
import { missingPrograms } from "../cloud/client-command.ts";

const BROWSER = "/usr/bin/chromium";
const BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** Longest that the browser's own arithmetic may take on a busy machine. */
const JUDGE_TIMEOUT_MS = 60_000;

describe("the judge in a browser, without anything being sent", { skip: existsSync(BROWSER) ? missingPrograms("qemu-img", "mcopy", "sgdisk") : `${BROWSER} is not installed (apt-get install chromium)` }, () => {
  let folder: string;
  let server: Server;
  let browser: Browser;
  let page: Page;
  const requested: string[] = [];
  const complaints: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-browser-"));
    server = createServer((request, response) => {
      void serveDashboard(request.url ?? "/").then((answer) => {
        response.writeHead(answer?.status ?? 404, answer?.headers ?? {});
        response.end(answer?.body);
      });
    });
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
    browser = await chromium.launch({ executablePath: BROWSER, args: BROWSER_FLAGS });
    page = await browser.newPage();
    page.setDefaultTimeout(JUDGE_TIMEOUT_MS);
    page.on("request", (request) => requested.push(`${request.method()} ${new URL(request.url()).pathname}`));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/inspect`);
  });
  after(async () => {
    await browser?.close();
    await new Promise((settle) => server.close(settle));
    await rm(folder, { recursive: true, force: true });
  });

  async function judge(...files: readonly string[]): Promise<string> {
    await page.getByLabel("Image to inspect").setInputFiles([...files]);
    await page.getByText(files[0]!.split("/").at(-1)!, { exact: true }).first().waitFor();
    await page.locator("article, [aria-label^='Verdict on']").first().waitFor();
    return page.locator("main").innerText();
  }

  test("gives the verdicts that the command line gives, and reads only what it needs", async () => {
    const image = join(folder, "guest.vhdx");
    await buildGuestImage({ path: image, format: "vhdx", virtualSizeBytes: 10 * 1024 ** 3 });
    const expected = await inspectFile(image);
    const text = await judge(image);
    assert.match(text, /VHDX · 10 GiB · GPT · ESP on partition 1, FAT32 · Generation 2 · Linux/);
    for (const { trust, outcome } of expected.verdicts) {
      const article = await page.getByLabel(`Verdict of ${trust}`).innerText();
      assert.match(article, new RegExp(`\\b${outcome}\\b`), trust);
    }
    const [, read] = /read ([\d.]+) MiB in/.exec(text) ?? [];
    assert.ok(Number(read) * 1024 ** 2 < (await stat(image)).size, `read ${read} MiB`);
    assert.equal(Math.round(Number(read)), Math.round(expected.format.bytesRead / 1024 ** 2));
  });

  test("finds a changed loader, with the reason and the remedy", async () => {
    const image = join(folder, "tampered.vhdx");
    await buildGuestImage({ path: image, format: "vhdx", changeLoader: tamper });
    const text = await judge(image);
    assert.match(text, /the file was changed after it was signed/);
    assert.match(text, /Copy \\EFI\\BOOT\\BOOTX64\.EFI again/);
  });

  test("says of a file that is no disk what it is not", async () => {
    const file = join(folder, "notes.vhdx");
    await writeFile(file, "These are notes.\n");
    assert.match(await judge(file), /cannot be read as a disk[\s\S]*DI-/);
  });

  test("has sent nothing but requests for the page itself, and the browser had nothing to complain about", () => {
    assert.deepEqual(requested.filter((line) => !/^GET \/(inspect|assets\/[\w.-]+|signet\.svg|favicon\.ico)$/.test(line)), []);
    assert.deepEqual(complaints, []);
  });
});
