import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { buildDashboard, isDashboardStale } from "./page-folder.ts";
import { hosts, images, servers } from "./page-test/fixtures.ts";
import { FORBIDDEN_SENTENCE, type PageServer, PASSWORD, SERVER_TROUBLE_SENTENCE, startPageServer, WRONG_PASSWORD_SENTENCE } from "./page-test/page-server.ts";

const BROWSER = "/usr/bin/chromium";
const BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** Long enough for a machine that does something else beside; nothing here waits for it in vain unless it fails. */
const WAIT_TIMEOUT_MS = 15_000;
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };
const PAGES = ["/", "/inspect", "/images", `/images/${images[0]?.id}`, `/images/${images[2]?.id}`, "/servers", `/servers/${servers[1]?.id}`, `/servers/${servers[2]?.id}`, "/hosts", `/json/images/${images[0]?.id}`];

describe("the page in a browser", { skip: existsSync(BROWSER) ? false : `${BROWSER} is not installed (apt-get install chromium)` }, () => {
  let profile: string;
  let context: BrowserContext;
  let server: PageServer;
  let page: Page;
  const requested: string[] = [];
  const complaints: string[] = [];

  before(async () => {
    if (await isDashboardStale()) await buildDashboard();
    profile = await mkdtemp(join(tmpdir(), "signet-page-"));
    server = await startPageServer();
    context = await chromium.launchPersistentContext(profile, { executablePath: BROWSER, args: BROWSER_FLAGS, viewport: DESK, timezoneId: "Asia/Tokyo", locale: "en-GB" });
    context.setDefaultTimeout(WAIT_TIMEOUT_MS);
    context.on("request", (request) => requested.push(request.url()));
    page = await context.newPage();
    // A status that the API means is logged by the browser, too; everything else on the console is a fault of the page.
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
  });

  after(async () => {
    await context?.close();
    await server?.close();
    if (profile !== undefined) await rm(profile, { recursive: true, force: true });
  });

  const open = async (path: string): Promise<void> => {
    await page.goto(`${server.url}${path}`);
    await page.locator("h1, .empty").first().waitFor();
  };
  const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("rowheader").getByRole("link", { name, exact: true }) });
  const shows = (text: string | RegExp) => page.getByText(text).first().waitFor();
  const fillIn = async (password: string): Promise<void> => {
    await page.getByLabel("User").fill("admin");
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
  };

  test("shows the identity API's sentence when the password is wrong", async () => {
    await page.goto(server.url);
    await fillIn("wrong");
    await shows(WRONG_PASSWORD_SENTENCE);
  });

  test("signs in and says how many machines keep the promise", async () => {
    await fillIn(PASSWORD);
    const figure = async (title: string): Promise<string> => (await page.locator(".figure").filter({ has: page.locator("strong").getByText(title, { exact: true }) }).locator("b").innerText()).trim();
    await page.locator(".figures").waitFor();
    assert.deepEqual(await Promise.all(["enforcing Secure Boot", "only switched on", "drift", "refused", "without Secure Boot"].map(figure)), ["1", "0", "1", "1", "1"]);
    await shows("2 servers without a machine");
    const attention = await page.getByRole("region", { name: "Needs a person" }).innerText();
    for (const name of ["web-2", "forced", "tampered", "debian-tampered", "hv2"]) assert.match(attention, new RegExp(`^${name}$`, "m"));
    assert.doesNotMatch(attention, /^(web-1|plain|starting)$/m);
  });

  test("keeps the token in the tab's own storage only", async () => {
    const kept = await page.evaluate(() => ({ session: JSON.stringify({ ...sessionStorage }), local: JSON.stringify({ ...localStorage }), cookie: document.cookie }));
    assert.match(kept.session, /token-1/);
    assert.doesNotMatch(`${kept.local}${kept.cookie}`, /token-1/);
  });

  test("lists images with each template's verdict as a word and both formats", async () => {
    await open("/images");
    const good = await row("debian-secure").innerText();
    assert.match(good, /boots\s+MicrosoftUEFICertificateAuthority/);
    assert.match(good, /refused\s+MicrosoftWindows/);
    assert.match(good, /VHDX\s+declared VHD/);
    assert.match(await row("empty").innerText(), /not judged yet/);
    assert.equal(await page.locator(".chip").evaluateAll((chips) => chips.filter((chip) => chip.textContent.trim() === "").length), 0, "a mark without a word");
  });

  test("finds rows by any words and keeps the search in the address", async () => {
    await open("/images");
    await page.getByRole("searchbox").fill("tampered refused");
    await shows("1 of 3 images");
    assert.equal(await row("debian-secure").count(), 0);
    await page.reload();
    await shows("1 of 3 images");
    await page.getByRole("searchbox").fill("nothing like it");
    await shows("No image matches");
  });

  test("draws the chain with a line from every stage to every certificate that vouches for it", async () => {
    await open(`/images/${images[0]?.id}`);
    await page.locator(".chain-lines path").nth(3).waitFor({ state: "attached" });
    assert.deepEqual(await page.locator("[data-stage] .mono:nth-child(2)").allInnerTexts(), ["\\EFI\\BOOT\\BOOTX64.EFI", "\\EFI\\BOOT\\grubx64.efi", "\\vmlinuz"]);
    assert.deepEqual(await page.locator("[data-certificate] strong").allInnerTexts(), ["Microsoft Corporation UEFI CA 2011", "Microsoft UEFI CA 2023", "Debian Secure Boot CA"]);
    const ends = await page.evaluate(() => {
      const boxes = [...document.querySelectorAll("[data-certificate]")].map((box) => box.getBoundingClientRect());
      const root = document.querySelector(".chain")?.getBoundingClientRect();
      return [...document.querySelectorAll(".chain-lines circle")].map((end) => {
        const x = Number(end.getAttribute("cx")) + (root?.left ?? 0);
        const y = Number(end.getAttribute("cy")) + (root?.top ?? 0);
        return boxes.findIndex((box) => Math.abs(box.left - x) < 2 && y > box.top && y < box.bottom);
      });
    });
    assert.deepEqual(ends, [0, 1, 2, 2]);
    assert.equal(await page.locator(".break").count(), 0);
  });

  test("marks the break in words when another template judges the same chain", async () => {
    await open(`/images/${images[0]?.id}`);
    await page.getByLabel("Template that judges the chain").selectOption("MicrosoftWindows");
    await shows("Refused here: Access Denied");
    assert.match(await page.locator('[data-stage="0"]').innerText(), /stops/);
    assert.match(await page.locator('[data-stage="2"]').innerText(), /not reached/);
  });

  test("says why an image is refused and what to change", async () => {
    await open(`/images/${images[0]?.id}`);
    const verdict = await page.getByRole("article", { name: "Verdict of MicrosoftWindows" }).innerText();
    assert.match(verdict, /No signature of the loader leads to a certificate of this template\. \[SB-NOT-IN-DB\]/);
    assert.match(verdict, /remedy\s+Choose the template MicrosoftUEFICertificateAuthority/);
  });

  test("shows desired beside actual and a mismatch in words", async () => {
    await open(`/servers/${servers[1]?.id}`);
    assert.match(await page.getByRole("row", { name: /^Secure Boot/ }).innerText(), /Secure Boot\s+on\s+off\s+differs/);
    await shows("Secure Boot shall be on and is off.");
    assert.match(await page.getByRole("row", { name: /^Generation/ }).innerText(), /2\s+2\s+as asked/);
    await open("/servers");
    assert.match(await row("web-2").innerText(), /Secure Boot on[^]*Secure Boot off[^]*mismatch/);
    assert.match(await row("web-1").innerText(), /enforced[^]*matches/);
  });

  test("shows firmware's own line, who forced the server, and a fault with its remedy", async () => {
    await open(`/servers/${servers[2]?.id}`);
    await shows("forced by admin");
    await shows("Access Denied");
    await open(`/servers/${servers[5]?.id}`);
    await shows("is predicted as refused under MicrosoftUEFICertificateAuthority");
    await shows("Remedy: Upload an image whose loader is unchanged.");
  });

  test("writes times in the reader's zone", async () => {
    await open(`/servers/${servers[0]?.id}`);
    await shows("24 Nov 2026, 18:12:40");
  });

  test("lists hosts with their release in its maker's words and why one is away", async () => {
    await open("/hosts");
    const text = await page.getByRole("table").innerText();
    for (const words of ["Windows Server 2022", "Windows Server 2012 R2", "20 GiB of 64 GiB memory", "down", "connection refused at 192.0.2.12:5985"]) assert.ok(text.includes(words), words);
  });

  test("links every row of every table to the JSON behind it", async () => {
    for (const [path, resources] of [["/images", images], ["/servers", servers], ["/hosts", hosts]] as const) {
      await open(path);
      await page.getByRole("row").nth(resources.length).waitFor();
      const links = await page.getByRole("row").getByRole("link", { name: /^JSON of/ }).evaluateAll((found) => found.map((link) => link.getAttribute("href")));
      assert.deepEqual(links, resources.map(({ id }) => `/json${path}/${id}`));
    }
    await page.getByRole("link", { name: "JSON of host hv1" }).click();
    await page.locator("pre").waitFor();
    assert.deepEqual(JSON.parse(await page.locator("pre").innerText()), hosts[0]);
  });

  test("goes from the overview to a server by keyboard alone, and back", async () => {
    await open("/");
    await page.locator(".figures").waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
    for (let presses = 0; presses < 4; presses += 1) await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Servers");
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle), "none", "the focus cannot be seen");
    await page.keyboard.press("Enter");
    await page.getByRole("searchbox").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
    await page.keyboard.press("Tab");
    await page.keyboard.type("web-2");
    await shows("1 of 6 servers");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "web-2" }).waitFor();
    // The key for "back" belongs to the browser's window, which a driven browser has not; what it does is the same.
    await page.goBack();
    await shows("1 of 6 servers");
  });

  test("fits a phone without scrolling sideways, in both schemes", async () => {
    await page.setViewportSize(PHONE);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const path of PAGES) {
        await open(path);
        await page.getByText("Asking the control plane").waitFor({ state: "detached" });
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= PHONE.width, `${path} is wider than a phone`);
        const cut = await page.evaluate((width) => [...document.querySelectorAll("main .chip, main a, main h1, main button, main select, main input")].filter((element) => element.getBoundingClientRect().right > width).map((element) => element.textContent), PHONE.width);
        assert.deepEqual(cut, [], `${path} hides something beyond the edge`);
      }
      assert.equal(await page.evaluate(() => document.documentElement.getAttribute("data-mantine-color-scheme")), colorScheme);
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(DESK);
  });

  test("keeps the contrast of text readable in both schemes", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const path of ["/images", `/servers/${servers[1]?.id}`]) {
        await open(path);
        await page.locator(".chip").first().waitFor();
        assert.deepEqual(await page.evaluate(findFaintText), [], `${path} in ${colorScheme}`);
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
  });

  test("says what to do first when there is nothing yet", async () => {
    server.cloud.isEmpty = true;
    for (const [path, command] of [["/", "./signet up --hosts 1"], ["/images", "glance image-create"], ["/servers", "nova boot"], ["/hosts", "./signet up --hosts 1"]] as const) {
      await open(path);
      await page.locator("pre.command", { hasText: command }).waitFor();
    }
    server.cloud.isEmpty = false;
  });

  test("gives those who may not see hosts all the rest of the overview", async () => {
    server.cloud.isMember = true;
    await open("/");
    await page.getByRole("region", { name: "Needs a person" }).getByText("web-2").waitFor();
    await shows("not shown");
    assert.equal(await page.getByRole("alert").count(), 0);
    await open("/hosts");
    await shows(FORBIDDEN_SENTENCE);
    await shows("[SIG-HOST-FORBIDDEN]");
    server.cloud.isMember = false;
  });

  test("shows an API's refusal in the API's words", async () => {
    server.cloud.isServerInTrouble = true;
    await page.goto(`${server.url}/servers/${servers[0]?.id}`);
    await shows(SERVER_TROUBLE_SENTENCE);
    await shows("[SIG-HOST-AWAY]");
    server.cloud.isServerInTrouble = false;
  });

  test("returns to sign-in when the token is no longer taken, and then to the same page", async () => {
    server.cloud.areTokensValid = false;
    await page.goto(`${server.url}/hosts`);
    await shows("Your session has ended.");
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await fillIn(PASSWORD);
    await page.getByRole("heading", { level: 1, name: "Hosts" }).waitFor();
  });

  test("signs out and forgets the token", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });

  test("asked no other origin for anything and never offended its content security policy", () => {
    assert.deepEqual(requested.filter((url) => new URL(url).origin !== server.url), []);
    assert.deepEqual(complaints, []);
  });
});

/** Runs in the page: texts whose contrast with what lies behind them is under WCAG 2.2's 4.5 to 1 (1.4.3). */
function findFaintText(): readonly string[] {
  const parse = (color: string): readonly number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([red = 0, green = 0, blue = 0]: readonly number[]): number => {
    const linear = [red, green, blue].map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
  };
  const behind = (element: Element | null): readonly number[] => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if ((color[3] ?? 1) === 1 && color.length >= 3) return color;
    }
    return [255, 255, 255];
  };
  const faint: string[] = [];
  for (const element of document.querySelectorAll("header *, main *")) {
    if (![...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== "")) continue;
    const [light = 0, dark = 0] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))].toSorted((a, b) => b - a);
    if ((light + 0.05) / (dark + 0.05) < 4.5) faint.push(`${element.textContent?.trim()} (${((light + 0.05) / (dark + 0.05)).toFixed(2)})`);
  }
  return faint;
}
