import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("..", import.meta.url));

/** Folder of the built page. It does not exist before `buildDashboard`. */
export function dashboardRootDir(): string {
  return join(packageRoot, "dist-page");
}

/** Builds the page into `dashboardRootDir()`, as `npm run build` here does. Throws when the sources do not build. */
export async function buildDashboard(): Promise<void> {
  const { build } = await import("vite");
  await build({ root: packageRoot, configFile: join(packageRoot, "vite.config.ts"), logLevel: "warn" });
}

/** Whether the page is missing or a source of it is younger than what was built. */
export async function isDashboardStale(): Promise<boolean> {
  const built = join(dashboardRootDir(), "index.html");
  if (!existsSync(built)) return true;
  const builtAt = (await stat(built)).mtimeMs;
  // The page carries the judge with it.
  const folders = [join(packageRoot, "src", "app"), join(packageRoot, "..", "secure-boot", "src"), join(packageRoot, "..", "disk-image", "src")];
  const listed = (await Promise.all(folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })))).flat();
  const sources = listed.filter((entry) => entry.isFile() && !entry.name.includes(".test.")).map((entry) => join(entry.parentPath, entry.name));
  for (const path of [...sources, ...["index.html", "vite.config.ts", "package.json", "src/page-routes.ts"].map((name) => join(packageRoot, name))]) {
    if ((await stat(path)).mtimeMs > builtAt) return true;
  }
  return false;
}
